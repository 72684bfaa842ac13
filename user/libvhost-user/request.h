/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of a kind that is common. */
#ifndef VUSER_VHOST_REQUEST_H
#define VUSER_VHOST_REQUEST_H

#include "internal.h"

int vhost_call_none(struct vhost_backend *b, enum vhost_user_request request);
int vhost_call_set(struct vhost_backend *b, enum vhost_user_request request,
		   uint64_t value);
int vhost_call_get(struct vhost_backend *b, enum vhost_user_request request,
		   uint64_t *value);
int vhost_call_fd(struct vhost_backend *b, enum vhost_user_request request,
		  int fd);

#endif /* VUSER_VHOST_REQUEST_H */
