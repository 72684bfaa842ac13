/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages with file descriptors.
 *
 * The kernel cannot send file descriptors over a socket by itself. It notifies
 * the owner of a device that such a message waits. The owner then requests that
 * the kernel send the message in the context of the owner.
 */
#ifndef VUSERD_FDMSG_H
#define VUSERD_FDMSG_H

#include <stddef.h>
#include <stdint.h>

struct device_table;
struct vnl_msg;
struct vnl_sock;

/**
 * struct fdmsg - a message that waits
 * @dev: number of its device
 * @id: of the message
 */
struct fdmsg {
	uint32_t dev;
	uint64_t id;
};

/**
 * struct fdmsg_ops - calls to the user of a queue
 * @defer: call fdmsg_send() soon
 * @resync: list all devices and messages again, soon
 */
struct fdmsg_ops {
	void (*defer)(void *ctx);
	void (*resync)(void *ctx);
};

/**
 * struct fdmsg_queue - the messages to send
 * @ops: calls to the user of the queue
 * @ctx: for @ops
 * @devices: finds the device of a message
 * @null_fd: an eventfd that is never read; the server gets it for a vector for
 *           which the consumer wants no event
 * @entries: the messages
 * @nr: number of messages in @entries
 * @max: number of messages that @entries has room for
 */
struct fdmsg_queue {
	const struct fdmsg_ops *ops;
	void *ctx;
	struct device_table *devices;
	int null_fd;
	struct fdmsg *entries;
	size_t nr;
	size_t max;
};

/* Add the message that a notification of the kernel is about. */
void fdmsg_add(struct fdmsg_queue *queue, const struct vnl_msg *msg);

/* Add all messages that wait, which the kernel lists over @nl; 0 or an errno. */
int fdmsg_dump(struct fdmsg_queue *queue, struct vnl_sock *nl);

/*
 * Send the messages that are in the queue now.  Not to be called while another
 * request to the kernel is in progress.
 */
void fdmsg_send(struct fdmsg_queue *queue);

/* Drop all messages. */
void fdmsg_clear(struct fdmsg_queue *queue);

/* Drop all messages and free the memory of the queue. */
void fdmsg_free(struct fdmsg_queue *queue);

#endif /* VUSERD_FDMSG_H */
