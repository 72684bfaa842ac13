/* SPDX-License-Identifier: GPL-2.0 */
/* Messages by hand, for peers that misbehave. */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H

#include <vuser/sock.h>

/* Send a header with @msg_size as given and then @len bytes of @payload. */
void wire_raw(int fd, uint16_t id, uint16_t command, uint32_t msg_size,
	      uint32_t flags, const void *payload, size_t len);

/* Send a whole message, with fds. */
void wire_send(int fd, uint16_t id, uint16_t command, uint32_t flags,
	       uint32_t error, const void *payload, size_t len, const int *fds,
	       uint32_t nr_fds);

/* Receive a message; 0 or an errno of vuser_msg_wait(). */
int wire_recv(int fd, struct vuser_msg *msg);

/* Negotiate as a client; 0 or an errno. */
int wire_hello(int fd, const char *json);

/* True when the peer hung up and nothing more comes. */
bool wire_is_closed(int fd);

/* Open file descriptors of this process. */
int wire_count_fds(void);

/* Wait until there are @nr at most, for some are closed by a thread; false: never. */
bool wire_await_fds(int nr);

#endif /* TEST_WIRE_H */
