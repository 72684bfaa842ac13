/* SPDX-License-Identifier: GPL-2.0 */
/* Messages with file descriptors: the kernel rings, we send. */
#ifndef VUSERD_REQUESTS_H
#define VUSERD_REQUESTS_H

#include <stdint.h>

struct helper;
struct vnl_sock;
struct vnl_msg;

/* A request-ntf came: note it. */
void requests_rung(struct helper *helper, const struct vnl_msg *msg);

/* Note all that wait, asking by @nl. */
int requests_dump(struct helper *helper, struct vnl_sock *nl);

/* Send what was noted; not from inside of another request. */
void requests_send(struct helper *helper);

#endif /* VUSERD_REQUESTS_H */
