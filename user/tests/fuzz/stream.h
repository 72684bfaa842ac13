/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An input is the list of messages that a peer sends. Each message is a record. Its
 * header is valid unless the record changes it. The mutator in stream-mutator.c uses
 * the same format.
 */
#ifndef FUZZ_STREAM_H
#define FUZZ_STREAM_H

#include "fuzz.h"

/* Bytes before the payload: command, flags, fds, adjust, length (2 bytes). */
#define RECORD_HEAD 6

/* Flags of a record. */
#define RECORD_REPLY	0x01 /* a reply, not a command */
#define RECORD_NO_REPLY 0x02 /* a command that asks for no reply */
#define RECORD_ERROR	0x04 /* set the error bit; adjust is the errno */
#define RECORD_RAW	0x08 /* send the bytes without a header */
#define RECORD_TWIN	0x10 /* use the twin socket if there is one */
#define RECORD_MORE	0x20 /* send the next record before the peer receives */
#define RECORD_ECHO	0x40 /* reply to the last command received */
#define RECORD_SIZE	0x80 /* add adjust, which is signed, to msg_size */

/**
 * struct record - a message to send
 * @command: command in the header
 * @flags: RECORD_*
 * @fds: low four bits: number of fds (15: the maximum); high four bits: kind of
 *	file, an index in kinds[] of stream.c
 * @adjust: see the flags; otherwise added to the message ID
 * @len: length of @data
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

/* Open the files that records send; call this once. */
void stream_init(void);

/*
 * Replace the pair of sockets among those files, for a twin socket.  Return the
 * end that records of kind 3 do not send.
 */
int stream_new_pair(void);

/* Get the next record; return false at the end of the input. */
bool stream_next(struct fuzz_in *in, struct record *rec);

/**
 * struct stream_peer - the other side of a socket
 * @fd: our end of the socket
 * @twin: the first fd received, -1 if none; owned
 * @closed: the other side hung up
 * @seen: number of messages received
 * @command: command of the last message
 * @msg_id: message ID of the last message
 * @payload: the first bytes of the last message's payload
 * @buf: an incomplete header
 * @got: bytes of the message received, up to the end of @payload
 * @skip: remaining bytes of the message
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

/* Receive all messages of the other side. */
void stream_drain(struct stream_peer *peer);

/* A callback for received data. It serves protocols other than vfio-user. */
struct msghdr;
typedef void (*stream_take_fn)(const struct msghdr *mh, const uint8_t *buf,
			       size_t got);

/* Pass all received data to @take, in parts. */
void stream_receive(struct stream_peer *peer, stream_take_fn take);

/* Keep the first fd received as @peer->twin; close the others. */
void stream_take_fds(struct stream_peer *peer, const struct msghdr *mh);

/* Send bytes with the fds of a record. */
void stream_send_bytes(int fd, void *buf, size_t len, const struct record *rec);

/* Send a record, or as much of it as the socket has room for. */
void stream_send(struct stream_peer *peer, const struct record *rec);

/*
 * Called instead of waiting when the library calls poll(). The function causes an
 * event, or closes the socket and returns false. NULL means no function. No code
 * here waits for a time.
 */
extern bool (*stream_on_wait)(void);

#endif /* FUZZ_STREAM_H */
