/* SPDX-License-Identifier: GPL-2.0 */
/* Print TAP, for test programs. */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>

/* Print "ok N - ..." or "not ok N - ..."; return @ok. */
__attribute__((format(printf, 2, 3))) bool tap_ok(bool ok, const char *fmt,
						  ...);

/* Print "Bail out! ..." and end the program: the other tests are pointless. */
__attribute__((format(printf, 1, 2), noreturn)) void tap_bail(const char *fmt,
							      ...);

/* Print the plan; return the exit status for main(). */
int tap_done(void);

#endif /* TAP_H */
