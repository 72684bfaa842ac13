// SPDX-License-Identifier: GPL-2.0
/*
 * The registers of the channel: the effect of a write to each of them.
 *
 * The registers and the copy thread share struct ioat_channel under one lock.
 * The lock is held for a few instructions only, and never during a copy, a
 * message or an interrupt.
 */
#include <errno.h>
#include <stdlib.h>

#include "channel-state.h"
#include "channel.h"
#include "copy-thread.h"

/*
 * Bits of CHANCTRL that are stored. REARM is a command, and IN_USE always reads
 * 0.
 */
#define CHANCTRL_KEPT ((uint16_t)~(IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_IN_USE))

/* End the run: the results of the current burst will be dropped. */
static void end_run(struct ioat_channel *c)
{
	c->run++;
	c->suspending = false;
	if (c->busy)
		atomic_store(&c->engine.stop, true);
}

/*
 * End the burst after the current descriptor, because the thread uses copies of
 * members that have changed.
 */
static void end_burst(struct ioat_channel *c)
{
	if (c->busy)
		atomic_store(&c->yield, true);
}

static void clear_chain(struct ioat_channel *c)
{
	c->count = 0;
	atomic_store(&c->live_count, 0);
	c->place = (struct ioat_place) {
		.next = c->place.next,
		.first = c->place.first,
	};
}

/* The registers contain the write that is being made. Store both in one step. */
static void keep_change(struct ioat_channel *c)
{
	if (c->write)
		c->last_write = c->write;
	ioat_channel_state_keep(c);
}

/*
 * Release the lock after a change of registers. Until then neither the copy thread
 * nor the client sees the change, so the state file is never behind them.
 */
static void unlock_changed(struct ioat_channel *c)
{
	keep_change(c);
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_new - create a channel and start its copy thread
 * @channel: set on success
 * @dma: access to the client's memory, used by the thread until ioat_channel_free()
 * @irq: raises interrupts, used as long as @dma
 *
 * Return: 0, or -errno.
 */
int ioat_channel_new(struct ioat_channel **channel, struct ioat_dma dma,
		     struct ioat_irq irq)
{
	struct ioat_channel *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->work, NULL);
	pthread_cond_init(&c->quiet, NULL);
	c->irq = irq;
	c->engine.dma = dma;
	c->state = IOAT_HALTED;

	ret = ioat_copy_thread_start(c);
	if (ret) {
		free(c);
		return ret;
	}
	*channel = c;
	return 0;
}

/**
 * ioat_channel_keep - keep the registers in a state file from now on
 * @c: new channel
 * @kept: contents of the file; must stay valid as long as the channel exists
 * @restore: take the registers over from @kept; the channel is then held, as after
 *	ioat_channel_hold()
 */
void ioat_channel_keep(struct ioat_channel *c, struct ioat_kept *kept,
		       bool restore)
{
	pthread_mutex_lock(&c->lock);
	c->kept = kept;
	c->source.data = kept->source;
	c->engine.source = &c->source;
	if (restore)
		ioat_channel_state_restore(c);
	unlock_changed(c);
}

/**
 * ioat_channel_free - stop the copy thread and free the channel
 * @c: channel
 *
 * Waits until the thread has stopped: for the rest of one piece of a copy, or
 * until the message that the thread waits for gets a reply or an error. A state file
 * keeps the registers as they are.
 */
void ioat_channel_free(struct ioat_channel *c)
{
	if (c->kept)
		ioat_channel_hold(c);
	pthread_mutex_lock(&c->lock);
	c->kept = NULL;
	end_run(c);
	c->state = IOAT_HALTED;
	c->quit = true;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);

	pthread_cond_destroy(&c->quiet);
	pthread_cond_destroy(&c->work);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/*
 * Read the position in the chain. While the thread carries out a burst, its own
 * copy of the position is the current one.
 */
static void progress(struct ioat_channel *c, uint64_t *completed,
		     uint64_t *current)
{
	*completed = c->place.completed;
	*current = c->place.current;
	if (c->busy && c->busy_run == c->run) {
		*completed = atomic_load(&c->live_completed);
		*current = atomic_load(&c->live_current);
	}
}

/**
 * ioat_channel_read - read all registers of the channel at once
 * @c: channel
 * @regs: filled in
 */
void ioat_channel_read(struct ioat_channel *c, struct ioat_channel_regs *regs)
{
	uint64_t completed, current;

	pthread_mutex_lock(&c->lock);
	progress(c, &completed, &current);
	*regs = (struct ioat_channel_regs) {
		.chanctrl = c->chanctrl | (c->armed ? IOAT_CHANCTRL_REARM : 0),
		/*
		 * The reset is complete when the thread has stopped the old
		 * run.
		 */
		.chancmd = atomic_load(&c->engine.stop) ? IOAT_CHANCMD_RESET :
							  0,
		.dmacount = c->count,
		.chansts = completed | c->state,
		.chainaddr = c->chainaddr,
		.chancmp = c->chancmp,
		.cdar = current,
		.chanerr = c->chanerr,
		.chanerrmask = c->chanerrmask,
		.attention = c->attention,
	};
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_set_ctrl - write CHANCTRL
 * @c: channel
 * @value: IOAT_CHANCTRL_*; REARM allows one more interrupt
 */
void ioat_channel_set_ctrl(struct ioat_channel *c, uint16_t value)
{
	pthread_mutex_lock(&c->lock);
	c->chanctrl = value & CHANCTRL_KEPT;
	end_burst(c);
	if (value & IOAT_CHANCTRL_REARM) {
		c->armed = true;
		c->attention = false;
	}
	unlock_changed(c);
}

static void do_reset(struct ioat_channel *c)
{
	end_run(c);
	clear_chain(c);
	c->state = IOAT_HALTED;
}

static void do_abort(struct ioat_channel *c)
{
	end_run(c);
	c->state = IOAT_HALTED;
}

static void do_suspend(struct ioat_channel *c)
{
	switch (c->state) {
	case IOAT_ACTIVE:
		c->suspending = true;
		end_burst(c);
		if (!c->busy)
			ioat_channel_state_settle(c);
		break;
	case IOAT_IDLE:
	case IOAT_ARMED:
		c->state = IOAT_SUSPENDED;
		break;
	case IOAT_SUSPENDED:
	case IOAT_HALTED:
		break;
	}
}

static void do_resume(struct ioat_channel *c)
{
	c->suspending = false;
	if (c->state == IOAT_SUSPENDED)
		ioat_channel_state_settle(c);
}

/**
 * ioat_channel_command - write CHANCMD
 * @c: channel
 * @command: IOAT_CHANCMD_*. If several are set, one is executed: the first of reset,
 *	abort, suspend and resume.
 */
void ioat_channel_command(struct ioat_channel *c, uint8_t command)
{
	pthread_mutex_lock(&c->lock);
	if (command & IOAT_CHANCMD_RESET)
		do_reset(c);
	else if (command & IOAT_CHANCMD_ABORT)
		do_abort(c);
	else if (command & IOAT_CHANCMD_SUSPEND)
		do_suspend(c);
	else if (command & IOAT_CHANCMD_RESUME)
		do_resume(c);
	unlock_changed(c);
}

/**
 * ioat_channel_set_count - write DMACOUNT, the doorbell
 * @c: channel
 * @count: number of descriptors to carry out since the chain was armed, modulo
 *	65536
 */
void ioat_channel_set_count(struct ioat_channel *c, uint16_t count)
{
	pthread_mutex_lock(&c->lock);
	if (c->state == IOAT_HALTED)
		goto unlock;
	c->count = count;
	/* If the thread is busy, it reads the count itself. */
	if (c->state != IOAT_SUSPENDED && !(c->state == IOAT_ACTIVE && c->busy))
		ioat_channel_state_settle(c);
	keep_change(c);
	atomic_store(&c->live_count, count);
unlock:
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_set_chain - write CHAINADDR
 * @c: channel
 * @addr: IOVA of the first descriptor. Ignored while the channel is active.
 */
void ioat_channel_set_chain(struct ioat_channel *c, uint64_t addr)
{
	pthread_mutex_lock(&c->lock);
	if (c->state == IOAT_ACTIVE)
		goto unlock;
	c->chainaddr = addr;
	clear_chain(c);
	if (addr % IOAT_DESC_ALIGN) {
		ioat_channel_state_halt(c, IOAT_ERR_CHAIN);
		goto unlock;
	}
	c->place.next = addr;
	c->place.first = true;
	c->state = IOAT_ARMED;
unlock:
	unlock_changed(c);
}

/**
 * ioat_channel_set_completion - write CHANCMP
 * @c: channel
 * @addr: IOVA of the completion; its low bits are ignored
 */
void ioat_channel_set_completion(struct ioat_channel *c, uint64_t addr)
{
	pthread_mutex_lock(&c->lock);
	c->chancmp = addr & ~(uint64_t)(IOAT_CHANCMP_ALIGN - 1);
	c->chancmp_valid = true;
	end_burst(c);
	unlock_changed(c);
}

/**
 * ioat_channel_clear_error - write CHANERR
 * @c: channel
 * @bits: errors to clear
 */
void ioat_channel_clear_error(struct ioat_channel *c, uint32_t bits)
{
	pthread_mutex_lock(&c->lock);
	c->chanerr &= ~bits;
	unlock_changed(c);
}

/**
 * ioat_channel_set_error_mask - write CHANERRMASK
 * @c: channel
 * @mask: errors that raise no interrupt
 */
void ioat_channel_set_error_mask(struct ioat_channel *c, uint32_t mask)
{
	pthread_mutex_lock(&c->lock);
	c->chanerrmask = mask;
	unlock_changed(c);
}

/**
 * ioat_channel_error_int - read CHANERR_INT
 * @c: channel
 *
 * Return: the errors since the register was last cleared, without masked ones.
 */
uint32_t ioat_channel_error_int(struct ioat_channel *c)
{
	uint32_t value;

	pthread_mutex_lock(&c->lock);
	value = c->chanerr_int;
	pthread_mutex_unlock(&c->lock);
	return value;
}

/**
 * ioat_channel_clear_error_int - write CHANERR_INT
 * @c: channel
 * @bits: errors to clear
 */
void ioat_channel_clear_error_int(struct ioat_channel *c, uint32_t bits)
{
	pthread_mutex_lock(&c->lock);
	c->chanerr_int &= ~bits;
	unlock_changed(c);
}

/**
 * ioat_channel_set_error_int_mask - write CHANERRMASK_INT
 * @c: channel
 * @mask: errors that are not set in CHANERR_INT
 */
void ioat_channel_set_error_int_mask(struct ioat_channel *c, uint32_t mask)
{
	pthread_mutex_lock(&c->lock);
	c->chanerrmask_int = mask;
	unlock_changed(c);
}

/**
 * ioat_channel_reset - reset all registers of the channel
 * @c: channel
 *
 * The thread may still carry out a piece of the old run, see
 * ioat_channel_quiesce().
 */
void ioat_channel_reset(struct ioat_channel *c)
{
	pthread_mutex_lock(&c->lock);
	do_reset(c);
	c->armed = false;
	c->attention = false;
	c->chainaddr = 0;
	c->chancmp = 0;
	c->chancmp_valid = false;
	c->chanctrl = 0;
	c->chanerr = 0;
	c->chanerrmask = 0;
	c->chanerr_int = 0;
	c->chanerrmask_int = 0;
	unlock_changed(c);
}

/**
 * ioat_channel_quiesce - wait until the thread has stopped the old run
 * @c: channel after ioat_channel_reset()
 *
 * Waits as ioat_channel_free() does.
 */
void ioat_channel_quiesce(struct ioat_channel *c)
{
	pthread_mutex_lock(&c->lock);
	while (atomic_load(&c->engine.stop))
		pthread_cond_wait(&c->quiet, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_hold - stop all accesses to the client's memory
 * @c: channel
 *
 * The registers stay as they are. A descriptor that is cut off is carried out again
 * after ioat_channel_go().
 *
 * Waits as ioat_channel_free() does.
 */
void ioat_channel_hold(struct ioat_channel *c)
{
	pthread_mutex_lock(&c->lock);
	c->held = true;
	if (c->busy)
		atomic_store(&c->engine.stop, true);
	while (atomic_load(&c->engine.stop))
		pthread_cond_wait(&c->quiet, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_go - allow accesses to the client's memory again
 * @c: channel
 *
 * Does nothing if the channel is not held. Otherwise the thread first writes a
 * completion that may have been lost, and raises the interrupt again if the driver
 * has not rearmed it yet.
 */
void ioat_channel_go(struct ioat_channel *c)
{
	pthread_mutex_lock(&c->lock);
	if (c->held) {
		c->held = false;
		c->recover = true;
		pthread_cond_signal(&c->work);
	}
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_pause - hold the channel between two descriptors
 * @c: channel
 * @fn: called in the copy thread, under the lock of the channel, when the channel is held
 * @ctx: for @fn
 *
 * The descriptor under way is completed first, and so is one that was cut off. Before
 * @fn is called, the thread has raised the interrupts of all completed descriptors.
 * ioat_channel_go() ends the pause, also before @fn was called. No other pause may be
 * under way.
 *
 * Return: true: @fn will be called; false: it will not, because the channel is held
 * already.
 */
bool ioat_channel_pause(struct ioat_channel *c, void (*fn)(void *ctx),
			void *ctx)
{
	bool wait;

	pthread_mutex_lock(&c->lock);
	wait = !c->held || !ioat_channel_state_still(c);
	if (wait) {
		if (c->held)
			c->recover = true;
		c->held = false;
		c->on_paused = fn;
		c->on_paused_ctx = ctx;
		end_burst(c);
		pthread_cond_signal(&c->work);
	}
	pthread_mutex_unlock(&c->lock);
	return wait;
}

/**
 * ioat_channel_save - copy all registers
 * @c: channel, paused
 * @record: filled in
 */
void ioat_channel_save(struct ioat_channel *c, struct ioat_kept_channel *record)
{
	pthread_mutex_lock(&c->lock);
	ioat_channel_state_save(c, record);
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_load - take over the registers of another channel
 * @c: channel, paused
 * @record: from ioat_channel_save(). Its run, serial number and last write, and a
 *	descriptor that was cut off, are ignored.
 *
 * The channel stays paused.
 */
void ioat_channel_load(struct ioat_channel *c,
		       const struct ioat_kept_channel *record)
{
	struct ioat_kept_channel own = *record;

	pthread_mutex_lock(&c->lock);
	/* The positions in the state file belong to another run. */
	own.run = c->run + 1;
	own.serial = c->serial;
	own.last_write = 0;
	own.place.started = false;
	own.place.loaded = false;
	own.place.chanerr = 0;
	own.place.interrupt = false;
	ioat_channel_state_load(c, &own);
	/* The state must agree with the counts. */
	if (c->state != IOAT_HALTED && c->state != IOAT_SUSPENDED)
		ioat_channel_state_settle(c);
	ioat_channel_state_keep(c);
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_is_quiet - whether the thread has stopped the old run
 * @c: channel after ioat_channel_reset()
 *
 * Return: true, which does not change before the next run is ended; or false.
 */
bool ioat_channel_is_quiet(struct ioat_channel *c)
{
	return !atomic_load(&c->engine.stop);
}

/**
 * ioat_channel_when_quiet - call a function when the thread has stopped the old run
 * @c: channel after ioat_channel_reset()
 * @fn: called in the copy thread, under the lock of the channel
 * @ctx: for @fn
 *
 * Return: true: @fn will be called; false: it will not, because the thread has stopped
 * already, or because another function is to be called then.
 */
bool ioat_channel_when_quiet(struct ioat_channel *c, void (*fn)(void *ctx),
			     void *ctx)
{
	bool wait;

	pthread_mutex_lock(&c->lock);
	wait = atomic_load(&c->engine.stop) && !c->on_quiet;
	if (wait) {
		c->on_quiet = fn;
		c->on_quiet_ctx = ctx;
	}
	pthread_mutex_unlock(&c->lock);
	return wait;
}

/**
 * ioat_channel_begin_write - the next change of the registers is a posted write
 * @c: channel
 * @id: message ID of the write, which changes one register of the channel at most
 */
void ioat_channel_begin_write(struct ioat_channel *c, uint16_t id)
{
	c->write = id + 1u;
}

/**
 * ioat_channel_end_write - the state contains a posted write
 * @c: channel
 * @id: message ID of the write
 */
void ioat_channel_end_write(struct ioat_channel *c, uint16_t id)
{
	pthread_mutex_lock(&c->lock);
	c->write = 0;
	c->last_write = id + 1u;
	ioat_channel_state_keep(c);
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_last_write - the last posted write that the state contains
 * @c: channel
 *
 * Return: its message ID, or -1.
 */
int ioat_channel_last_write(struct ioat_channel *c)
{
	int id;

	pthread_mutex_lock(&c->lock);
	id = (int)c->last_write - 1;
	pthread_mutex_unlock(&c->lock);
	return id;
}

/**
 * ioat_channel_forget_writes - the client has reset the device: it repeats no write
 * @c: channel
 */
void ioat_channel_forget_writes(struct ioat_channel *c)
{
	pthread_mutex_lock(&c->lock);
	c->last_write = 0;
	ioat_channel_state_keep(c);
	pthread_mutex_unlock(&c->lock);
}
