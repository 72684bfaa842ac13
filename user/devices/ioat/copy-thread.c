// SPDX-License-Identifier: GPL-2.0
/*
 * The copy thread.
 *
 * It takes a burst of descriptors, carries them out without the lock, and
 * publishes the results only if their run is still the current one. Meanwhile
 * two atomic members show its progress. A lock would be slower: taking it would
 * wait until the store buffer is empty of copied data.
 *
 * With a state file, the thread stores its position before it carries out a
 * descriptor, and again before it writes the completion. So a program that was killed
 * and started again knows which descriptor was under way. It carries out this
 * descriptor again, which the driver cannot notice, because it has not seen the
 * completion. A descriptor whose completion the driver may have seen is not carried
 * out again; only the completion is written again.
 */
#include <errno.h>
#include <signal.h>

#include "../../common/state-file.h"
#include "channel-state.h"
#include "copy-thread.h"

/**
 * struct burst - descriptors that are carried out without the lock
 * @channel: the channel
 * @run: the run that the descriptors belong to
 * @serial: number of @place
 * @place: position in the chain
 * @chanctrl: CHANCTRL when the burst began
 * @chancmp: CHANCMP when the burst began
 * @chancmp_valid: CHANCMP was written
 * @gone: the client is gone
 */
struct burst {
	struct ioat_channel *channel;
	unsigned int run;
	uint32_t serial;
	struct ioat_place place;
	uint16_t chanctrl;
	uint64_t chancmp;
	bool chancmp_valid;
	bool gone;
};

/* Store the position in the state file. */
static void keep_place(struct burst *b)
{
	struct ioat_kept *kept = b->channel->kept;
	struct ioat_kept_progress record;

	if (!kept)
		return;
	b->serial++;
	record = (struct ioat_kept_progress) {
		.place = b->place,
		.serial = b->serial,
		.run = b->run,
	};
	state_file_put(&kept->progress_now, kept->progress, sizeof(record),
		       &record);
}

/* The engine has read the whole source of a copy onto itself. */
static void keep_loaded(void *ctx)
{
	struct burst *b = ctx;

	b->place.loaded = true;
	keep_place(b);
}

static void begin(struct ioat_channel *c, struct burst *b)
{
	*b = (struct burst) {
		.channel = c,
		.run = c->run,
		.serial = c->serial,
		.place = c->place,
		.chanctrl = c->chanctrl,
		.chancmp = c->chancmp,
		.chancmp_valid = c->chancmp_valid,
	};
	c->source.keep = keep_loaded;
	c->source.ctx = b;
	ioat_engine_discard(&c->engine);
	c->busy = true;
	c->busy_run = c->run;
	/* A channel that was restored may have a suspend to finish. */
	atomic_store(&c->yield, c->suspending);
	atomic_store(&c->live_current, c->place.current);
	atomic_store(&c->live_completed, c->place.completed);
}

static bool count_reached(struct ioat_channel *c, uint16_t done)
{
	return done ==
	       atomic_load_explicit(&c->live_count, memory_order_acquire);
}

/* Read the next descriptor, unless that was done before it was cut off. */
static int start(struct ioat_channel *c, struct burst *b)
{
	struct ioat_place *p = &b->place;
	uint16_t due;
	int ret;

	if (p->started)
		return 0;
	due = atomic_load_explicit(&c->live_count, memory_order_acquire) -
	      p->done;
	ret = ioat_engine_fetch(&c->engine, p->next, p->first, due, &p->desc,
				&p->chanerr);
	if (ret)
		return ret;
	p->started = true;
	p->loaded = false;
	keep_place(b);
	return 0;
}

/*
 * With a state file, note what the completion will overwrite. If something else is there
 * after a restart, the completion was written, and the driver may have seen it.
 */
static void note_before(struct ioat_channel *c, struct ioat_place *p)
{
	if (c->kept &&
	    ioat_engine_peek(&c->engine, p->cmp_addr, &p->cmp_before))
		p->cmp_before = p->cmp_value;
}

/* A completion has the value that CHANSTS will read as. */
static void set_completion(struct ioat_channel *c, struct burst *b)
{
	struct ioat_place *p = &b->place;
	enum ioat_state state = IOAT_ACTIVE;

	p->complete = b->chancmp_valid &&
		      p->desc.control & IOAT_DESC_COMPLETION;
	if (!p->complete)
		return;
	if (count_reached(c, p->done + 1))
		state = IOAT_IDLE;
	p->cmp_addr = b->chancmp;
	p->cmp_value = p->next | state;
	note_before(c, p);
}

static int write_completion(struct ioat_channel *c, struct burst *b)
{
	struct ioat_place *p = &b->place;
	int ret;

	if (!p->complete)
		return 0;
	ret = ioat_engine_complete(&c->engine, p->cmp_addr, p->cmp_value,
				   &p->chanerr);
	/* Without a client, the next one gets the completion. */
	if (ret != -ECANCELED)
		p->complete = false;
	return ret;
}

/*
 * Write a completion that may have been written already: only if the driver has not
 * written something else there since.
 */
static int repeat_completion(struct ioat_channel *c, struct burst *b)
{
	struct ioat_place *p = &b->place;
	uint64_t now;

	if (!ioat_engine_peek(&c->engine, p->cmp_addr, &now) &&
	    now != p->cmp_before) {
		p->complete = false;
		return 0;
	}
	return write_completion(c, b);
}

/*
 * The descriptor was carried out. Store this before the driver can see it: then a
 * program that is started again does not carry out the descriptor again.
 */
static int finish(struct ioat_channel *c, struct burst *b)
{
	struct ioat_place *p = &b->place, before;
	int ret;

	set_completion(c, b);
	before = *p;
	p->completed = p->next;
	p->next = p->desc.next;
	p->first = false;
	p->started = false;
	p->interrupt = p->desc.control & IOAT_DESC_INT;
	p->done++;
	keep_place(b);
	ret = write_completion(c, b);
	if (!ret)
		keep_place(b);
	if (ret == -EIO) {
		before.chanerr = p->chanerr;
		*p = before;
	}
	return ret;
}

static int carry_out(struct ioat_channel *c, struct burst *b)
{
	struct ioat_place *p = &b->place;
	int ret;

	ret = start(c, b);
	if (ret)
		return ret;
	c->source.loaded = p->loaded;
	ret = ioat_engine_run(&c->engine, &p->desc, &p->chanerr);
	/* The descriptor may have written the descriptors that follow. */
	if (p->desc.control & IOAT_DESC_FENCE)
		ioat_engine_discard(&c->engine);
	return ret ? ret : finish(c, b);
}

static void report_error(struct ioat_channel *c, struct burst *b)
{
	struct ioat_place *p = &b->place;

	p->started = false;
	p->complete = b->chancmp_valid && b->chanctrl & IOAT_CHANCTRL_ERR_CMP;
	p->cmp_addr = b->chancmp;
	p->cmp_value = p->completed | IOAT_HALTED;
	if (p->complete)
		note_before(c, p);
	keep_place(b);
	if (!write_completion(c, b))
		keep_place(b);
}

/* Carry out the next descriptor. Return whether it succeeded. */
static bool step(struct ioat_channel *c, struct burst *b)
{
	int ret;

	b->place.current = b->place.next;
	atomic_store_explicit(&c->live_current, b->place.current,
			      memory_order_relaxed);
	ret = carry_out(c, b);
	if (ret) {
		if (b->place.chanerr)
			report_error(c, b);
		b->gone = ret == -ECANCELED && !atomic_load(&c->engine.stop);
		return false;
	}
	atomic_store_explicit(&c->live_completed, b->place.completed,
			      memory_order_release);
	return true;
}

/* Whether the burst can continue without taking the lock. */
static bool go_on(struct ioat_channel *c, const struct burst *b)
{
	return !b->place.interrupt && !count_reached(c, b->place.done) &&
	       !atomic_load(&c->yield) && !atomic_load(&c->engine.stop);
}

/* The thread does not access the client's memory any more. */
static void end(struct ioat_channel *c, const struct burst *b)
{
	c->busy = false;
	c->held = c->held || b->gone;
	atomic_store(&c->engine.stop, false);
	pthread_cond_broadcast(&c->quiet);
	if (c->on_quiet)
		c->on_quiet(c->on_quiet_ctx);
	c->on_quiet = NULL;
}

/* Publish the results. Return whether the caller must raise the interrupt. */
static bool publish(struct ioat_channel *c, const struct burst *b)
{
	bool raise = false;

	end(c, b);
	if (b->run == c->run) {
		c->place = b->place;
		c->serial = b->serial;
		/* A descriptor that was cut off has no result yet. */
		if (!c->place.started)
			raise = ioat_channel_state_result(c);
	} else if (c->state == IOAT_ACTIVE) {
		ioat_channel_state_settle(c);
	}
	ioat_channel_state_keep(c);
	return raise;
}

static void raise_unlocked(struct ioat_channel *c)
{
	pthread_mutex_unlock(&c->lock);
	c->irq.raise(c->irq.ctx);
	pthread_mutex_lock(&c->lock);
}

/*
 * Repeat what may have been lost. Called with the lock held. Drops it while the
 * completion is written and while the interrupt is raised.
 */
static void recover(struct ioat_channel *c)
{
	bool raise = c->attention;
	struct burst b;
	int ret;

	c->recover = false;
	if (c->place.complete) {
		begin(c, &b);
		pthread_mutex_unlock(&c->lock);
		ret = repeat_completion(c, &b);
		b.gone = ret == -ECANCELED && !atomic_load(&c->engine.stop);
		pthread_mutex_lock(&c->lock);
		end(c, &b);
		if (b.run == c->run) {
			c->place.complete = b.place.complete;
			if (b.place.chanerr)
				ioat_channel_state_halt(c, b.place.chanerr);
		}
		ioat_channel_state_keep(c);
	}
	if (raise)
		raise_unlocked(c);
}

/*
 * Called with the lock held. Drops it while descriptors are carried out and while
 * the interrupt is raised.
 */
static void do_burst(struct ioat_channel *c)
{
	struct burst b;

	begin(c, &b);
	pthread_mutex_unlock(&c->lock);
	while (step(c, &b) && go_on(c, &b))
		;
	pthread_mutex_lock(&c->lock);
	if (publish(c, &b))
		raise_unlocked(c);
}

/*
 * Hold the channel between two descriptors, if that is wanted. The lock is held. If the
 * channel is held for another reason, or will end, there will be no better moment.
 */
static void pause_if_wanted(struct ioat_channel *c)
{
	if (!c->on_paused ||
	    !(ioat_channel_state_still(c) || c->held || c->quit))
		return;
	c->held = true;
	c->on_paused(c->on_paused_ctx);
	c->on_paused = NULL;
}

static void *copy_thread(void *arg)
{
	struct ioat_channel *c = arg;
	const struct ioat_dma *dma = &c->engine.dma;

	pthread_mutex_lock(&c->lock);
	while (!c->quit) {
		pause_if_wanted(c);
		if (ioat_channel_state_runnable(c)) {
			if (c->recover)
				recover(c);
			else
				do_burst(c);
			continue;
		}
		dma->ops->release(dma->ctx);
		pthread_cond_wait(&c->work, &c->lock);
	}
	pause_if_wanted(c);
	dma->ops->release(dma->ctx);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/**
 * ioat_copy_thread_start - start the thread of a channel
 * @c: channel; its member quit ends the thread
 *
 * Return: 0 or -errno.
 */
int ioat_copy_thread_start(struct ioat_channel *c)
{
	sigset_t all, old;
	int ret;

	/* The thread that runs the event loop handles signals. */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&c->thread, NULL, copy_thread, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}
