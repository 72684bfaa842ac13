/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs the program vuser-vhost. Its back ends are programs, too, and its client is
 * the test.
 */
#ifndef VHOST_PEERS_H
#define VHOST_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <vuser/client.h>

/* Create a directory for sockets and files. */
void peers_begin(void);
/* Remove the directory. */
void peers_end(void);
/* Return a path in the directory; valid until 16 further calls. */
const char *peers_path(const char *name);

/*
 * Run a program. A name without a slash is a program of vuser: wait until it
 * reports that it is ready.
 */
pid_t peers_run(const char *const *argv);
/* Execute a program in this process, with its output on standard error. */
__attribute__((noreturn)) void peers_exec(const char *const *argv);
/* Terminate a program and wait until it exits; its exit status must be 0. */
void peers_stop(pid_t pid);

/**
 * struct chain - vuser-vhost and its client
 * @pid: process ID of vuser-vhost
 * @client: the client
 */
struct chain {
	pid_t pid;
	struct vuser_client *client;
};

/* Run a device of @type for the back end at @path; it listens at @name. */
void chain_start(struct chain *c, const char *type, const char *path,
		 const char *name);
/* Connect a client to a running program that listens at @name. */
void chain_connect(struct chain *c, const char *name);
/* Disconnect the client and stop the program. */
void chain_end(struct chain *c);

uint64_t chain_read(struct chain *c, uint64_t offset, uint32_t count);
void chain_write(struct chain *c, uint64_t offset, uint32_t count,
		 uint64_t value);
void chain_map(struct chain *c, uint64_t iova, uint64_t size, int fd);
/* Set the eventfd of a vector. */
void chain_irq(struct chain *c, uint32_t vector, int fd);
/*
 * Run a driver of one queue up to DRIVER_OK; @ring: descriptors, driver and
 * device area.
 */
void chain_drive(struct chain *c, uint64_t features, uint16_t queue,
		 uint16_t size, const uint64_t ring[3]);
void chain_kick(struct chain *c, uint16_t queue);

/* Change the migration state; return 0 or -errno. */
int chain_go(struct chain *c, uint32_t state);
/* Read the stream of a migration; return its length. */
size_t chain_save(struct chain *c, void *buf, size_t size);
/* Write the stream of a migration; return 0 or -errno. */
int chain_load(struct chain *c, const void *buf, size_t len);

/*
 * Start or stop the log of writes.
 */
int chain_log(struct chain *c, bool on);
/* Return which of the 64 pages at @iova were written, as bits. */
uint64_t chain_report(struct chain *c, uint64_t iova);

#endif
