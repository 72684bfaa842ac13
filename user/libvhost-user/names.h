/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of protocol features, for error texts. */
#ifndef VHOST_USER_NAMES_H
#define VHOST_USER_NAMES_H

#include <vhost-user/proto.h>

/* Write the names of all features in @mask, each after a blank. Return: @buf. */
const char *vhu_names_list(uint64_t mask, char *buf, size_t size);

#endif /* VHOST_USER_NAMES_H */
