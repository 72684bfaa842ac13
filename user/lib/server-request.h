/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests: callbacks of the device that answer later.
 *
 * A callback that defers its answer takes a struct vuser_request. The command is then
 * suspended: the request keeps its state. When the device has answered, from any
 * thread, the event loop's thread resumes the command.
 */
#ifndef VUSER_SERVER_REQUEST_H
#define VUSER_SERVER_REQUEST_H

#include "server-state.h"

/**
 * struct vu_answers - answered requests, on their way to the event loop's thread
 * @lock: protects all members below
 * @refs: references: of the server, and of the requests that the device has
 * @wake_fd: eventfd that wakes up the event loop; -1: the server is freed
 * @first: list of the answered requests
 * @last: last entry of the list
 */
struct vu_answers {
	pthread_mutex_t lock;
	int refs;
	int wake_fd;
	struct vuser_request *first;
	struct vuser_request *last;
};

/**
 * struct vuser_request - a callback that answers later
 * @answers: where the answer goes
 * @next: next entry of the list of answers
 * @resume: continues the work of the library, in the event loop's thread
 * @step: continues @cmd
 * @cmd: the command that is suspended; empty if the request does not belong to one
 *       command
 * @dma: the DMA region to unmap, or NULL
 * @access: the request belongs to an access of a region
 * @result: the answer
 * @count: bytes of @data
 * @data: the data of an access
 */
struct vuser_request {
	struct vu_answers *answers;
	struct vuser_request *next;
	void (*resume)(struct vuser_server *server,
		       struct vuser_request *request);
	vu_cmd_step step;
	struct vu_cmd cmd;
	struct vu_dma *dma;
	bool access;
	int result;
	uint32_t count;
	_Alignas(16) char data[];
};

/* Create the list of answers of a server. Return: 0 or -ENOMEM. */
int vu_server_request_init(struct vuser_server *server);

/*
 * The server is being freed: drop all answers. Requests that the device has stay valid
 * until they are answered.
 */
void vu_server_request_free(struct vuser_server *server);

/* Begin a callback that may defer its answer. */
void vu_server_request_begin(struct vuser_server *server,
			     struct vu_callback *callback);

/* End the callback. Return: the request if the callback has deferred its answer. */
struct vuser_request *vu_server_request_end(struct vuser_server *server);

/*
 * Suspend the command that is served until @request is answered; @step continues it
 * then. Return: VU_LATER.
 */
int vu_server_request_suspend(struct vuser_server *server,
			      struct vuser_request *request, vu_cmd_step step);

/*
 * Resume all commands whose requests are answered. With @accesses, resume only accesses
 * of regions, and leave the other answers in the list.
 */
void vu_server_request_process(struct vuser_server *server, bool accesses);

/*
 * Send the reply to @cmd. @ret is the length of its payload, or an errno. Return: 0; a
 * negative errno: end the connection.
 */
int vu_server_request_reply(struct vuser_server *server,
			    const struct vu_cmd *cmd, ssize_t ret);

/* Free what a suspended command owns. */
void vu_server_request_clear(struct vu_cmd *cmd);

#endif /* VUSER_SERVER_REQUEST_H */
