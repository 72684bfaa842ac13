// SPDX-License-Identifier: GPL-2.0
/*
 * A device whose server plays any trick of ../hostile, or sends DMA commands without end
 * on both of its sockets for a while.  ../hostile_test.c checks how each trick ends; here
 * vuserd may be killed meanwhile, so any end is right.
 */
#include "../hostile/case.h"
#include "../lib/clock.h"
#include "../lib/flooder.h"
#include "soak.h"

/* How long a flood lasts, in ms. */
#define FLOOD_MS 2000

static enum next flood(struct server *s, const struct trick *t)
{
	long long end = clock_ms() + t->a;

	while (clock_ms() < end && !flooder_send(s->conn))
		if (s->twin_fd >= 0)
			flooder_send(s->twin_fd);
	return server_send_message(s, &s->reply) ? NEXT_HANG_UP : NEXT_SERVE;
}

static const struct trick flood_trick = {
	.name = "floods",
	.fn = flood,
	.a = FLOOD_MS,
	.outcome = FINE,
	.twin = true,
};

static void lie(struct dice *dice, struct hostile *h)
{
	const struct action *action = &actions[pick(dice, nr_actions)];
	const struct trick *trick;

	if (pick(dice, 2) || action->posted || action->single) {
		trick = &single_tricks[pick(dice, nr_single_tricks)];
		action = action_find(trick->action);
	} else {
		trick = &generic_tricks[pick(dice, nr_generic_tricks)];
	}
	hostile_play(h, action, trick);
	atomic_fetch_add(&soak->lies, 1);
}

void liar_run(struct dice *dice, unsigned int number)
{
	struct hostile h;
	unsigned int i;

	(void)number;
	if (hostile_start(&h, "/dev/null"))
		return;
	for (i = 0;; i++) {
		if (i % 8) {
			lie(dice, &h);
			continue;
		}
		hostile_play(&h, action_find("pread"), &flood_trick);
		atomic_fetch_add(&soak->floods, 1);
	}
}
