/* SPDX-License-Identifier: GPL-2.0 */
/* The process that makes one attempt to connect to a server. */
#ifndef VUSERD_WORKER_H
#define VUSERD_WORKER_H

#include <stdint.h>

struct result;

/* Maximum time of a handshake, as a multiple of the time for one reply. */
#define WORKER_WHOLE 10

/**
 * struct worker_task - what a process does
 * @path: path of the server's socket
 * @timeout_ms: time for each reply of the server
 * @server_user: the only user who may run the server, or VUSER_SERVER_USER_ANY
 */
struct worker_task {
	const char *path;
	uint32_t timeout_ms;
	uint32_t server_user;
};

/**
 * worker_run - connect to a server and read the description of its device
 * @task: what to do
 * @channel: socket to vuserd, for the file descriptors of the description
 * @result: memory that is shared with vuserd, all zeros
 *
 * Runs in a process of its own. Only this process parses what the server sends, gets the
 * file descriptors that the server sends, and waits for the file systems of paths and
 * files, perhaps for ever.
 */
void worker_run(const struct worker_task *task, int channel,
		struct result *result) __attribute__((noreturn));

#endif /* VUSERD_WORKER_H */
