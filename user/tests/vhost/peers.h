/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The program vuser-vhost between back ends, which are programs, and a client,
 * which is the test.
 */
#ifndef VHOST_PEERS_H
#define VHOST_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <vuser/client.h>

/* Create a directory for sockets and files; remove it; return a path in it. */
void peers_begin(void);
void peers_end(void);
const char *peers_path(const char *name);

/*
 * Run a program.  A name without a slash is one of our programs; wait until it
 * reports that it is ready.
 */
pid_t peers_run(const char *const *argv);
/* Execute that program in this process, with its output on standard error. */
__attribute__((noreturn)) void peers_exec(const char *const *argv);
/* Terminate the program and wait for it; its exit status must be 0. */
void peers_stop(pid_t pid);

/**
 * struct chain - vuser-vhost and its client
 * @pid: of the program
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

/*
 * Migration: change the state; read the stream and return its length; write it.
 */
int chain_go(struct chain *c, uint32_t state);
size_t chain_save(struct chain *c, void *buf, size_t size);
int chain_load(struct chain *c, const void *buf, size_t len);

/*
 * Start or stop the log of writes; report the written ones of 64 pages at
 * @iova.
 */
int chain_log(struct chain *c, bool on);
uint64_t chain_report(struct chain *c, uint64_t iova);

#endif
