/* SPDX-License-Identifier: GPL-2.0 */
/* Send and receive single messages, for tests of peers that misbehave. */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H

#include <vuser/sock.h>

/* Send a header with @msg_size as given, then @len bytes of @payload. */
void wire_raw(int fd, uint16_t id, uint16_t command, uint32_t msg_size,
	      uint32_t flags, const void *payload, size_t len);

/* Send a complete message with file descriptors. */
void wire_send(int fd, uint16_t id, uint16_t command, uint32_t flags,
	       uint32_t error, const void *payload, size_t len, const int *fds,
	       uint32_t nr_fds);

/* Receive a message; return 0 or an errno of vuser_msg_wait(). */
int wire_recv(int fd, struct vuser_msg *msg);

/* Negotiate the version as a client; return 0 or an errno. */
int wire_hello(int fd, const char *json);

/* Read until the peer hangs up; return whether it did. */
bool wire_is_closed(int fd);

/* Return the number of open file descriptors of this process. */
int wire_count_fds(void);

/*
 * Wait until at most @nr descriptors are open, since a thread closes some of
 * them.  Return false on timeout.
 */
bool wire_await_fds(int nr);

#endif /* TEST_WIRE_H */
