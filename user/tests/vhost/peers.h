/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vuser-vhost itself, between back-ends that are programs and a client that is
 * the test.
 */
#ifndef VHOST_PEERS_H
#define VHOST_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <vuser/client.h>

/* A directory for sockets and files, and its end; path in it. */
void peers_begin(void);
void peers_end(void);
const char *peers_path(const char *name);

/* Run a program; one without a slash is of ours, which says when it is ready. */
pid_t peers_run(const char *const *argv);
/* Become that program, with all it prints on standard error. */
__attribute__((noreturn)) void peers_exec(const char *const *argv);
/* Have it end, and wait for that; it must end well. */
void peers_stop(pid_t pid);

/**
 * struct chain - vuser-vhost and a client of it
 * @pid: of the program
 * @client: the client
 */
struct chain {
	pid_t pid;
	struct vuser_client *client;
};

/* A device of @type for the back-end at @path; @name is a socket's. */
void chain_start(struct chain *c, const char *type, const char *path,
		 const char *name);
/* The client alone, of a program that has @name. */
void chain_connect(struct chain *c, const char *name);
void chain_end(struct chain *c);

uint64_t chain_read(struct chain *c, uint64_t offset, uint32_t count);
void chain_write(struct chain *c, uint64_t offset, uint32_t count,
		 uint64_t value);
void chain_map(struct chain *c, uint64_t iova, uint64_t size, int fd);
/* The eventfd of a vector. */
void chain_irq(struct chain *c, uint32_t vector, int fd);
/* A driver of one queue, up to DRIVER_OK; @ring: descriptors, two areas. */
void chain_drive(struct chain *c, uint64_t features, uint16_t queue,
		 uint16_t size, const uint64_t ring[3]);
void chain_kick(struct chain *c, uint16_t queue);

/* Migration: a step; all of the stream, whose length is returned. */
int chain_go(struct chain *c, uint32_t state);
size_t chain_save(struct chain *c, void *buf, size_t size);
int chain_load(struct chain *c, const void *buf, size_t len);

/* The log of writes; what was written of 64 pages from @iova on. */
int chain_log(struct chain *c, bool on);
uint64_t chain_report(struct chain *c, uint64_t iova);

#endif
