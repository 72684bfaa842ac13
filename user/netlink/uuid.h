/* SPDX-License-Identifier: GPL-2.0 */
/* UUIDs: as 16 bytes, in the order in which they are written, and as text. */
#ifndef VNL_UUID_H
#define VNL_UUID_H

#include <linux/vuser.h>
#include <stdint.h>

/* Characters of a UUID with the terminating NUL. */
#define VNL_UUID_TEXT 37

/**
 * vnl_uuid_parse - read a UUID from text
 * @text: 36 characters: hexadecimal digits in upper or lower case, and dashes
 * @uuid: set on success
 *
 * Return: 0, or -EINVAL if @text is not a UUID.
 */
int vnl_uuid_parse(const char *text, uint8_t uuid[VUSER_UUID_LEN]);

/* Write @uuid as text in lower case. */
void vnl_uuid_format(const uint8_t uuid[VUSER_UUID_LEN],
		     char text[VNL_UUID_TEXT]);

#endif /* VNL_UUID_H */
