/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vfio-user server on a bare socket, in a thread of the test.  It serves a
 * small device correctly, except for one message, on which it plays a trick.
 */
#ifndef HOSTILE_SERVER_H
#define HOSTILE_SERVER_H

#include <linux/vfio_user.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOSTILE_PAGE	  0x1000UL
#define HOSTILE_ID	  0x600df00dU /* BAR 0, offset 0 */
#define HOSTILE_BAR0_SIZE HOSTILE_PAGE
#define HOSTILE_BAR2_SIZE (4 * HOSTILE_PAGE)
#define HOSTILE_AREA_SIZE \
	(2 * HOSTILE_PAGE) /* the part of BAR 2 that is shared */
#define HOSTILE_CONFIG	 64
#define HOSTILE_NR_MSIX	 4
#define HOSTILE_MAX_FDS	 253 /* SCM_MAX_FD */
#define HOSTILE_MAX_DATA (64 * 1024)

/* A message with its payload and descriptors. */
struct message {
	struct vfio_user_header hdr;
	uint8_t data[HOSTILE_MAX_DATA];
	size_t len; /* of the payload in @data */
	int fds[HOSTILE_MAX_FDS];
	unsigned int nr_fds;
};

/* The behavior of the server after a trick. */
enum next {
	NEXT_SERVE, /* continues normally */
	NEXT_HANG_UP,
	NEXT_SILENT, /* reads, but sends nothing */
	NEXT_DEAF, /* neither reads nor sends */
};

struct server;
struct trick;
typedef enum next (*trick_fn)(struct server *s, const struct trick *trick);

/* The command on which the trick is played. */
struct target {
	uint16_t command;
	bool (*match)(
		const struct message *cmd); /* NULL: any command of this kind */
};

struct server {
	pthread_t thread;
	sem_t go;
	atomic_bool stop;
	atomic_int listener;
	atomic_int conn;
	char path[64];
	bool twin; /* announce a twin socket */
	int twin_fd; /* our end of the twin socket, -1: none */
	int area_fd; /* the file of BAR 2's shared area */

	pthread_mutex_t lock; /* protects the fields up to @counts */
	pthread_cond_t changed;
	const struct trick *trick;
	struct target target;
	unsigned long counts[VFIO_USER_COMMAND_MAX + 1];

	/* Used by the server's thread only. */
	struct message cmd;
	struct message reply; /* the right reply, made before each trick */
	uint16_t last_id; /* ID of the reply before */
	char failed[160]; /* an unexpected observation of the trick, or "" */
};

/* 0 or -errno. */
int server_start(struct server *s);
void server_stop(struct server *s);

/*
 * Drops the connection, and accepts exactly one at a new socket, whose path is
 * in @s->path on return.
 */
int server_next(struct server *s);

/* Plays @trick once, on the next command that matches @target. */
void server_arm(struct server *s, const struct trick *trick,
		const struct target *target);
/* Returns whether the trick was played, and disarms it if not. */
bool server_disarm(struct server *s);

/* Waits until @nr of @command have arrived in total; 0 or -ETIMEDOUT. */
int server_wait(struct server *s, uint16_t command, unsigned long nr, int ms);
unsigned long server_count(struct server *s, uint16_t command);

/* For tricks, in the server's thread --------------------------------------- */

/*
 * Sends all bytes or returns an error.  Descriptors go with the first byte, if
 * the other end accepts them.
 */
int server_send(struct server *s, const void *buf, size_t len, const int *fds,
		unsigned int nr_fds);
/* Sends @msg with its right size, and its descriptors. */
int server_send_message(struct server *s, struct message *msg);
/* Receives the next message of the client; 0 or -errno. */
int server_recv(struct server *s, struct message *msg);
/* Fills @msg with a command and @len bytes of data. */
void server_command(struct message *msg, uint16_t id, uint16_t command,
		    const void *data, size_t len);
/*
 * Reads up to the reply to @id, and serves commands before it.  Returns the
 * errno of the reply, 0, or -errno of the socket.
 */
int server_reply_to(struct server *s, uint16_t id);

/*
 * good.c: puts the right reply to @s->cmd in @s->reply; false if it has none.
 */
bool good_reply(struct server *s);
void close_fds(struct message *msg);

#endif /* HOSTILE_SERVER_H */
