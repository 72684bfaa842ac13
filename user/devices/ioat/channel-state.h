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
#include "kept.h"
#include "place.h"
#include "regs.h"

/**
 * struct ioat_channel - the DMA channel
 * @lock: guards all members below except for @engine, @irq and atomic ones
 * @work: signaled when the thread has work or must end
 * @quiet: signaled when the thread has finished a burst
 * @on_quiet: called when the thread has finished a burst, or NULL
 * @on_quiet_ctx: for @on_quiet
 * @on_paused: the channel must be held between two descriptors; called when it is held. Or
 *	NULL
 * @on_paused_ctx: for @on_paused
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
 * @held: the client's memory is not there: the thread must not access it
 * @recover: the thread must first repeat what a program that was killed, or a
 *	client that is gone, may have lost: a completion, and the interrupt
 * @count: number of descriptors to carry out since the chain was armed, modulo
 *	65536
 * @serial: number of @place; counts the positions of the thread
 * @place: position in the chain
 * @last_write: message ID of the last posted write that the registers contain, plus 1; 0:
 *	none
 * @write: message ID of the posted write that is being made, plus 1; 0: none. Only the
 *	thread that serves regions uses it.
 * @chainaddr: CHAINADDR, as written
 * @chancmp: CHANCMP, as written
 * @chancmp_valid: CHANCMP was written (0 is a valid address)
 * @chanctrl: the stored bits of CHANCTRL
 * @chanerr: errors that the driver has not cleared
 * @chanerrmask: errors that raise no interrupt
 * @chanerr_int: copy of @chanerr in configuration space
 * @chanerrmask_int: errors that are not set in @chanerr_int
 * @kept: the state in a state file, or NULL
 * @source: for the engine, if @kept is set
 * @live_count: @count, which the thread reads without the lock
 * @yield: the thread must end its burst after the current descriptor
 * @live_current: @place.current, while the thread is busy
 * @live_completed: @place.completed, while the thread is busy
 * @engine: carries out descriptors; only the thread uses it, except for its
 *	stop flag
 */
struct ioat_channel {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t quiet;
	void (*on_quiet)(void *ctx);
	void *on_quiet_ctx;
	void (*on_paused)(void *ctx);
	void *on_paused_ctx;
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
	bool held;
	bool recover;

	uint16_t count;
	uint32_t serial;
	struct ioat_place place;
	uint32_t last_write;
	uint32_t write;

	uint64_t chainaddr;
	uint64_t chancmp;
	bool chancmp_valid;
	uint16_t chanctrl;
	uint32_t chanerr;
	uint32_t chanerrmask;
	uint32_t chanerr_int;
	uint32_t chanerrmask_int;

	struct ioat_kept *kept;
	struct ioat_source source;
	_Atomic uint16_t live_count;
	atomic_bool yield;
	_Atomic uint64_t live_current;
	_Atomic uint64_t live_completed;
	struct ioat_engine engine;
};

/* Whether the thread has something to do. The lock is held. */
static inline bool ioat_channel_state_runnable(const struct ioat_channel *c)
{
	return (c->state == IOAT_ACTIVE || c->recover) && !c->busy && !c->held;
}

/*
 * Whether the thread is between two descriptors, and has repeated what may have been lost.
 * The lock is held.
 */
static inline bool ioat_channel_state_still(const struct ioat_channel *c)
{
	bool cut_off = c->place.started && c->state == IOAT_ACTIVE;

	return !c->busy && !c->recover && !cut_off;
}

/* Halt the channel with these error bits.  The lock is held. */
void ioat_channel_state_halt(struct ioat_channel *c, uint32_t chanerr);

/*
 * Derive the state from the counts, between two descriptors, and wake the copy
 * thread if the channel is active.  The lock is held.
 */
void ioat_channel_state_settle(struct ioat_channel *c);

/*
 * Take over the result of the last descriptor of a burst from the position.  Return
 * whether the interrupt must be raised.  The lock is held.
 */
bool ioat_channel_state_result(struct ioat_channel *c);

/* Copy the registers to a record.  The lock is held. */
void ioat_channel_state_save(const struct ioat_channel *c,
			     struct ioat_kept_channel *record);

/*
 * Take over the registers from a record.  The lock is held, and the thread is idle and
 * will not run.
 */
void ioat_channel_state_load(struct ioat_channel *c,
			     const struct ioat_kept_channel *record);

/*
 * Store the registers in the state file, before anybody can see a change of them.
 * The lock is held.
 */
void ioat_channel_state_keep(struct ioat_channel *c);

/*
 * Take over the registers from the state file.  The channel is held afterwards.  The
 * lock is held, and the thread is idle.
 */
void ioat_channel_state_restore(struct ioat_channel *c);

#endif
