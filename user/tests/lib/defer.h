/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device whose callbacks defer their answers, and its client. The test is the client
 * and the event loop at once, so that it knows which commands the server has handled.
 */
#ifndef DEFER_H
#define DEFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vuser/server.h>

#define DEFER_PAGE 4096
#define DEFER_IOVA 0x100000
#define DEFER_MAX  256

/* Region 0 is split into parts of 4 bytes, region 1 is not split. */
#define DEFER_SPLIT 0
#define DEFER_WHOLE 1

/* Which callbacks defer their answer. */
#define DEFER_ACCESS	 1
#define DEFER_RESET	 2
#define DEFER_UNMAP	 4
#define DEFER_MIGRATE	 8
#define DEFER_DISCONNECT 16

/**
 * struct defer - the device and its client
 * @server: the server
 * @sock: socket of the client
 * @defers: the callbacks that defer their answer, as bits
 * @now: what access_now() returns
 * @answer_at_once: callbacks answer their requests before they return
 * @process_then: after that, they call vuser_server_process_accesses()
 * @requests: the requests that wait for an answer of the test
 * @nr: number of @requests
 * @order: a letter for each callback: r, w, R for a reset, u for an unmap, d for a
 *	disconnect, and the digit of the next state of migration
 * @nr_order: number of letters in @order
 * @mem: contents of the regions
 */
struct defer {
	struct vuser_server *server;
	int sock;
	int defers;
	bool now;
	bool answer_at_once;
	bool process_then;
	struct vuser_request *requests[DEFER_MAX];
	int nr;
	char order[DEFER_MAX];
	int nr_order;
	char mem[0x20000];
};

extern struct defer defer;

/* Start a server whose callbacks @defers defer their answer, and connect a client. */
void defer_begin(int defers);
void defer_end(void);

/* Connect a client, without a twin socket. Returns its socket or a negative errno. */
int defer_connect(void);

/* Let the server handle what has arrived. */
void defer_process(void);
bool defer_is_readable(int fd);

/* The commands of the client. */
void defer_send(uint16_t id, uint16_t command, uint32_t flags,
		const void *payload, size_t len);
void defer_send_access(uint16_t id, bool write, uint32_t flags, uint32_t region,
		       uint64_t offset, uint32_t count);
void defer_send_unmap(uint16_t id, uint64_t iova, uint64_t size,
		      uint32_t flags);
void defer_send_state(uint16_t id, uint32_t to);

/* Map a page at @iova, and wait for the reply. */
void defer_map(uint64_t iova);

bool defer_has_reply(void);

/* Receive the reply to command @id. Returns its errno, negative. */
int defer_reply(uint16_t id, void *payload, size_t len);

/* Receive the reply to a read. Returns whether all data are @value. */
bool defer_read_is(uint16_t id, uint8_t value, uint32_t count);

/* Answer request @i, a read; all @count bytes that it reads are @value. */
void defer_answer_read(int i, uint8_t value, uint32_t count);

#endif /* DEFER_H */
