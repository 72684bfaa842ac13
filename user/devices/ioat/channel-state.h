/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of the channel, which the registers and the copy thread share.
 *
 * Functions of channel.c change it on register accesses, those of copy-thread.c
 * as descriptors are carried out.
 */
#ifndef IOAT_CHANNEL_STATE_H
#define IOAT_CHANNEL_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "engine.h"
#include "irq.h"
#include "regs.h"

/**
 * struct ioat_channel - the channel
 * @lock: guards all below but @engine, @irq and what is atomic
 * @work: the thread may have something to do, or must end
 * @quiet: the thread finished a burst
 * @thread: the copy thread
 * @irq: where interrupts go
 * @state: as CHANSTS shows it
 * @run: counts resets and aborts; work that began in an earlier run is dropped
 * @busy_run: the run that the thread's burst belongs to
 * @busy: the thread works on a burst of descriptors
 * @suspending: suspend when the running descriptor is done
 * @quit: the thread must end
 * @armed: an interrupt may be raised
 * @attention: an interrupt was raised and not yet answered by a rearm
 * @first: the next descriptor is the one CHAINADDR names
 * @count: descriptors to do since the chain was armed, modulo 65536. Written
 *	under @lock; the thread also reads it without.
 * @done: descriptors done since then, modulo 65536
 * @next: the next descriptor
 * @current: the descriptor that ran last, in full or not
 * @completed: the last one that was done
 * @chainaddr: as written
 * @chancmp: as written
 * @chancmp_valid: CHANCMP was written; 0 is a valid address
 * @chanctrl: the stored bits of CHANCTRL
 * @chanerr: errors not yet cleared
 * @chanerrmask: errors that raise no interrupt
 * @chanerr_int: the copy of @chanerr in configuration space
 * @chanerrmask_int: errors that do not go there
 * @yield: the thread must end its burst after the descriptor that runs
 * @live_current: @current, while the thread is busy
 * @live_completed: @completed, while the thread is busy
 * @engine: carries out descriptors; used by the thread only, except for @stop
 */
struct ioat_channel {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t quiet;
	pthread_t thread;
	struct ioat_irq irq;

	enum ioat_state state;
	unsigned int run;
	unsigned int busy_run;
	bool busy;
	bool suspending;
	bool quit;
	bool armed;
	bool attention;
	bool first;

	_Atomic uint16_t count;
	uint16_t done;
	uint64_t next;
	uint64_t current;
	uint64_t completed;

	uint64_t chainaddr;
	uint64_t chancmp;
	bool chancmp_valid;
	uint16_t chanctrl;
	uint32_t chanerr;
	uint32_t chanerrmask;
	uint32_t chanerr_int;
	uint32_t chanerrmask_int;

	atomic_bool yield;
	_Atomic uint64_t live_current;
	_Atomic uint64_t live_completed;
	struct ioat_engine engine;
};

/* The thread may begin a burst. */
static inline bool ioat_channel_state_runnable(const struct ioat_channel *c)
{
	return c->state == IOAT_ACTIVE && !c->busy;
}

/* Halt the channel with these error bits.  The lock is held. */
void ioat_channel_state_halt(struct ioat_channel *c, uint32_t chanerr);

/*
 * Derive the state from the counts, between two descriptors, and wake the copy
 * thread if the channel is active.  The lock is held.
 */
void ioat_channel_state_settle(struct ioat_channel *c);

#endif
