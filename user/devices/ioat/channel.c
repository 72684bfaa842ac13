// SPDX-License-Identifier: GPL-2.0
/*
 * The channel's state machine and its copy thread.
 *
 * The registers and the thread share struct ioat_channel under one lock, held
 * for a few instructions at a time: never over a copy, a message or an
 * interrupt. The thread takes one descriptor, works without the lock, and
 * publishes the outcome only if the run it belongs to is still the current one.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "engine.h"
#include "regs.h"

/**
 * struct ioat_channel - the channel
 * @lock: guards all below but @engine, @irq and @count
 * @work: the thread may have something to do, or must end
 * @quiet: the thread finished a descriptor
 * @thread: the copy thread
 * @irq: where interrupts go
 * @state: as CHANSTS shows it
 * @run: counts resets and aborts; work that began in an earlier run is dropped
 * @busy: the thread works on a descriptor
 * @suspending: suspend when the running descriptor is done
 * @quit: the thread must end
 * @armed: an interrupt may be raised
 * @attention: an interrupt was raised and not yet answered by a rearm
 * @first: the next descriptor is the one CHAINADDR names
 * @count: descriptors to do since the chain was armed, modulo 65536. Written
 *	under @lock; the thread also reads it without.
 * @done: descriptors done since then, modulo 65536
 * @next: the next descriptor
 * @current: the descriptor that runs, or ran last
 * @completed: the last one that was done
 * @chainaddr: as written
 * @chancmp: as written
 * @chancmp_valid: CHANCMP was written; 0 is a valid address
 * @chanctrl: the stored bits of CHANCTRL
 * @chanerr: errors not yet cleared
 * @chanerrmask: errors that raise no interrupt
 * @chanerr_int: the copy of @chanerr in configuration space
 * @chanerrmask_int: errors that do not go there
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

	struct ioat_engine engine;
};

/* Bits of CHANCTRL that are kept. REARM is a command, IN_USE always reads 0. */
#define CHANCTRL_KEPT	((uint16_t)~(IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_IN_USE))

/* One descriptor on its way through the thread. */
struct step {
	unsigned int run;
	uint64_t addr;
	bool first;
	uint16_t done;
	uint16_t chanctrl;
	uint64_t chancmp;
	bool chancmp_valid;
	struct ioat_desc desc;
	uint32_t chanerr;
};

static bool runnable(const struct ioat_channel *c)
{
	return c->state == IOAT_ACTIVE && !c->busy;
}

/* Ends the run: what the thread does now will not be seen any more. */
static void cut(struct ioat_channel *c)
{
	c->run++;
	c->suspending = false;
	if (c->busy)
		atomic_store(&c->engine.stop, true);
}

static void halt_with(struct ioat_channel *c, uint32_t chanerr)
{
	c->state = IOAT_HALTED;
	c->suspending = false;
	c->chanerr |= chanerr;
	c->chanerr_int |= chanerr & ~c->chanerrmask_int;
}

static void forget_chain(struct ioat_channel *c)
{
	c->count = 0;
	c->done = 0;
	c->completed = 0;
	c->current = 0;
}

/* The state that follows from the counts alone. */
static enum ioat_state state_by_count(const struct ioat_channel *c)
{
	if (c->done != c->count)
		return IOAT_ACTIVE;
	return c->first ? IOAT_ARMED : IOAT_IDLE;
}

/* Finds the state anew, between descriptors. */
static void settle(struct ioat_channel *c)
{
	c->state = c->suspending ? IOAT_SUSPENDED : state_by_count(c);
	c->suspending = false;
	if (runnable(c))
		pthread_cond_signal(&c->work);
}

/* Once per rearm. Returns whether the caller must raise the interrupt. */
static bool take_interrupt(struct ioat_channel *c)
{
	if (!c->armed)
		return false;
	c->armed = false;
	c->attention = true;
	return true;
}

/* A completion tells what CHANSTS will read when the step is published. */
static void complete(struct ioat_channel *c, struct step *s)
{
	enum ioat_state state = IOAT_ACTIVE;

	if (!s->chancmp_valid || !(s->desc.control & IOAT_DESC_COMPLETION))
		return;
	if ((uint16_t)(s->done + 1) == c->count)
		state = IOAT_IDLE;
	ioat_engine_complete(&c->engine, s->chancmp, s->addr | state,
			     &s->chanerr);
}

static void complete_error(struct ioat_channel *c, struct step *s,
			   uint64_t completed)
{
	if (s->chancmp_valid && s->chanctrl & IOAT_CHANCTRL_ERR_CMP)
		ioat_engine_complete(&c->engine, s->chancmp,
				     completed | IOAT_HALTED, &s->chanerr);
}

static void begin(struct ioat_channel *c, struct step *s)
{
	*s = (struct step) {
		.run = c->run,
		.addr = c->next,
		.first = c->first,
		.done = c->done,
		.chanctrl = c->chanctrl,
		.chancmp = c->chancmp,
		.chancmp_valid = c->chancmp_valid,
	};
	c->current = s->addr;
	c->busy = true;
}

/* Fetches and runs a descriptor without the lock. */
static void work(struct ioat_channel *c, struct step *s, uint64_t completed)
{
	int ret;

	ret = ioat_engine_fetch(&c->engine, s->addr, s->first, &s->desc,
				&s->chanerr);
	if (!ret)
		ret = ioat_engine_run(&c->engine, &s->desc, &s->chanerr);
	if (!ret)
		complete(c, s);
	if (s->chanerr)
		complete_error(c, s, completed);
}

/* Makes the outcome visible. Returns whether to raise the interrupt. */
static bool publish(struct ioat_channel *c, const struct step *s)
{
	c->busy = false;
	atomic_store(&c->engine.stop, false);
	pthread_cond_broadcast(&c->quiet);
	if (s->run != c->run) {
		if (c->state == IOAT_ACTIVE)
			settle(c);
		return false;
	}
	if (s->chanerr) {
		halt_with(c, s->chanerr);
		return c->chanctrl & IOAT_CHANCTRL_ERR_INT &&
		       s->chanerr & ~c->chanerrmask && take_interrupt(c);
	}
	c->first = false;
	c->next = s->desc.next;
	c->completed = s->addr;
	c->done++;
	settle(c);
	return s->desc.control & IOAT_DESC_INT && take_interrupt(c);
}

static void *copy_thread(void *arg)
{
	struct ioat_channel *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->quit) {
		uint64_t completed = c->completed;
		struct step s;
		bool irq;

		if (!runnable(c)) {
			c->engine.dma.ops->release(c->engine.dma.ctx);
			pthread_cond_wait(&c->work, &c->lock);
			continue;
		}
		begin(c, &s);
		pthread_mutex_unlock(&c->lock);

		work(c, &s, completed);

		pthread_mutex_lock(&c->lock);
		irq = publish(c, &s);
		if (irq) {
			pthread_mutex_unlock(&c->lock);
			c->irq.raise(c->irq.ctx);
			pthread_mutex_lock(&c->lock);
		}
	}
	c->engine.dma.ops->release(c->engine.dma.ctx);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Signals are for the thread that runs the event loop. */
static int start_thread(struct ioat_channel *c)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&c->thread, NULL, copy_thread, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}

/**
 * ioat_channel_new - make a channel and start its copy thread
 * @channel: set on success
 * @dma: the consumer's memory, used by the thread until ioat_channel_free()
 * @irq: where interrupts go, for as long
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

	ret = start_thread(c);
	if (ret) {
		free(c);
		return ret;
	}
	*channel = c;
	return 0;
}

/**
 * ioat_channel_free - stop the copy thread and free the channel
 * @c: channel
 *
 * Waits for the thread to see that it must stop: for the rest of a piece of a
 * copy, or until the message it waits for is answered or refused.
 */
void ioat_channel_free(struct ioat_channel *c)
{
	pthread_mutex_lock(&c->lock);
	cut(c);
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

/**
 * ioat_channel_read - read all registers of the channel at once
 * @c: channel
 * @regs: filled in
 */
void ioat_channel_read(struct ioat_channel *c, struct ioat_channel_regs *regs)
{
	pthread_mutex_lock(&c->lock);
	*regs = (struct ioat_channel_regs) {
		.chanctrl = c->chanctrl | (c->armed ? IOAT_CHANCTRL_REARM : 0),
		/* The reset lasts until nothing of the old run is going on. */
		.chancmd = atomic_load(&c->engine.stop) ? IOAT_CHANCMD_RESET : 0,
		.dmacount = c->count,
		.chansts = c->completed | c->state,
		.chainaddr = c->chainaddr,
		.chancmp = c->chancmp,
		.cdar = c->current,
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
	if (value & IOAT_CHANCTRL_REARM) {
		c->armed = true;
		c->attention = false;
	}
	pthread_mutex_unlock(&c->lock);
}

static void do_reset(struct ioat_channel *c)
{
	cut(c);
	forget_chain(c);
	c->state = IOAT_HALTED;
}

static void do_abort(struct ioat_channel *c)
{
	cut(c);
	c->state = IOAT_HALTED;
}

static void do_suspend(struct ioat_channel *c)
{
	switch (c->state) {
	case IOAT_ACTIVE:
		c->suspending = true;
		if (!c->busy)
			settle(c);
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
		settle(c);
}

/**
 * ioat_channel_command - write CHANCMD
 * @c: channel
 * @command: IOAT_CHANCMD_*. Of several, the strongest counts.
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
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_set_count - write DMACOUNT, the doorbell
 * @c: channel
 * @count: descriptors to do since the chain was armed, modulo 65536
 */
void ioat_channel_set_count(struct ioat_channel *c, uint16_t count)
{
	pthread_mutex_lock(&c->lock);
	if (c->state == IOAT_HALTED)
		goto unlock;
	c->count = count;
	/* The thread looks at the count itself when it is done. */
	if (c->state == IOAT_ACTIVE && c->busy)
		goto unlock;
	if (c->state != IOAT_SUSPENDED)
		settle(c);
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
	forget_chain(c);
	if (addr % IOAT_DESC_ALIGN) {
		halt_with(c, IOAT_ERR_CHAIN);
		goto unlock;
	}
	c->next = addr;
	c->first = true;
	c->state = IOAT_ARMED;
unlock:
	pthread_mutex_unlock(&c->lock);
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
	pthread_mutex_unlock(&c->lock);
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
	pthread_mutex_unlock(&c->lock);
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
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_error_int - read CHANERR_INT
 * @c: channel
 *
 * Return: the errors since it was last cleared, less the masked ones.
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
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_set_error_int_mask - write CHANERRMASK_INT
 * @c: channel
 * @mask: errors that CHANERR_INT does not take up
 */
void ioat_channel_set_error_int_mask(struct ioat_channel *c, uint32_t mask)
{
	pthread_mutex_lock(&c->lock);
	c->chanerrmask_int = mask;
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_reset - put every register back to its initial value
 * @c: channel
 *
 * The thread may still be at work on a piece of the old run; see
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
	pthread_mutex_unlock(&c->lock);
}

/**
 * ioat_channel_quiesce - wait until nothing of an ended run is going on
 * @c: channel, just reset
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
