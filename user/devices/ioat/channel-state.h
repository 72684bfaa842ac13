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
 * struct ioat_channel - the DMA channel
 * @lock: guards all members below except for @engine, @irq and atomic ones
 * @work: signaled when the thread has work or must end
 * @quiet: signaled when the thread has finished a burst
 * @thread: the copy thread
 * @irq: raises interrupts
 * @state: the state that CHANSTS shows
 * @run: number of resets and aborts; results of an earlier run are dropped
 * @busy_run: the run that the thread's burst belongs to
 * @busy: the thread carries out a burst of descriptors
 * @suspending: suspend after the current descriptor
 * @quit: the thread must end
 * @armed: an interrupt may be raised
 * @attention: an interrupt was raised and the driver has not rearmed it yet
 * @first: the next descriptor is the one at CHAINADDR
 * @count: number of descriptors to carry out since the chain was armed, modulo
 *	65536. Written under @lock; the thread also reads it without the lock.
 * @done: number of completed descriptors since then, modulo 65536
 * @next: the next descriptor
 * @current: the descriptor that was started last
 * @completed: the last completed descriptor
 * @chainaddr: CHAINADDR, as written
 * @chancmp: CHANCMP, as written
 * @chancmp_valid: CHANCMP was written (0 is a valid address)
 * @chanctrl: the stored bits of CHANCTRL
 * @chanerr: errors that the driver has not cleared
 * @chanerrmask: errors that raise no interrupt
 * @chanerr_int: copy of @chanerr in configuration space
 * @chanerrmask_int: errors that are not set in @chanerr_int
 * @yield: the thread must end its burst after the current descriptor
 * @live_current: @current, while the thread is busy
 * @live_completed: @completed, while the thread is busy
 * @engine: carries out descriptors; only the thread uses it, except for its
 *	stop flag
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

/* Whether the thread can begin a burst. The lock is held. */
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
