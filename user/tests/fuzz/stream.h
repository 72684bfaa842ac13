/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Input as messages of a peer: a list of records, each a message whose header
 * is right unless the record says otherwise.  The mutator in stream-mutator.c
 * knows them, too.
 */
#ifndef FUZZ_STREAM_H
#define FUZZ_STREAM_H

#include "fuzz.h"

/* Before the payload: command, flags, fds, adjust, length (2). */
#define RECORD_HEAD 6

/* Flags of a record. */
#define RECORD_REPLY	0x01 /* a reply, not a command */
#define RECORD_NO_REPLY 0x02
#define RECORD_ERROR	0x04 /* the error bit; adjust is the errno */
#define RECORD_RAW	0x08 /* the bytes as they are, no header */
#define RECORD_TWIN	0x10 /* on the twin socket, where there is one */
#define RECORD_MORE	0x20 /* the peer gets the next one before it looks */
#define RECORD_ECHO	0x40 /* a reply that fits the last command seen */
#define RECORD_SIZE	0x80 /* adjust is added to msg_size, with its sign */

/**
 * struct record - a message to send
 * @command: of the header
 * @flags: RECORD_*
 * @fds: how many in the low four bits (15: as many as can be), which kind in
 *       the high four
 * @adjust: see the flags; else added to the message id
 * @len: of @data
 * @data: payload
 */
struct record {
	uint8_t command;
	uint8_t flags;
	uint8_t fds;
	uint8_t adjust;
	size_t len;
	const uint8_t *data;
};

/* Opens the files that records send; once. */
void stream_init(void);

/*
 * A new pair of sockets among those files, for a twin socket.  Returns the end
 * that is not what records of kind 3 send.
 */
int stream_new_pair(void);

/* The next record; false at the end of the input. */
bool stream_next(struct fuzz_in *in, struct record *rec);

/**
 * struct stream_peer - what the other side sent last
 * @fd: our end of the socket
 * @twin: the first fd that came, -1 without one; owned
 * @closed: it hung up
 * @seen: messages that came
 * @command: of its last message
 * @msg_id: likewise
 * @payload: the first bytes of that
 * @buf: what is not a whole header yet
 * @got: bytes of a message seen, as far as they matter
 * @skip: bytes left in that message
 */
struct stream_peer {
	int fd;
	int twin;
	bool closed;
	unsigned int seen;
	uint16_t command;
	uint16_t msg_id;
	uint8_t payload[16];
	uint8_t buf[16];
	size_t got;
	size_t skip;
};

void stream_peer_init(struct stream_peer *peer, int fd);
void stream_peer_close(struct stream_peer *peer);

/* Take in all that the other side sent. */
void stream_drain(struct stream_peer *peer);

/* What a protocol of its own does with what came. */
struct msghdr;
typedef void (*stream_take_fn)(const struct msghdr *mh, const uint8_t *buf,
			       size_t got);

/* Give all that the other side sent to @take, a part at a time. */
void stream_receive(struct stream_peer *peer, stream_take_fn take);

/* Keep the first fd that came, as @peer->twin; close the others. */
void stream_take_fds(struct stream_peer *peer, const struct msghdr *mh);

/* Send bytes with the fds of a record. */
void stream_send_bytes(int fd, void *buf, size_t len, const struct record *rec);

/* Send a record, or as much of it as there is room for. */
void stream_send(struct stream_peer *peer, const struct record *rec);

/*
 * Called while the library would wait in poll(), to make something happen;
 * false: that was the end of the peer.  NULL for none.  Nothing here ever
 * waits for time.
 */
extern bool (*stream_on_wait)(void);

#endif /* FUZZ_STREAM_H */
