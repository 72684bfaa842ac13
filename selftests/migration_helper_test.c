// SPDX-License-Identifier: GPL-2.0
/*
 * The helper is killed, upgraded or stopped while a consumer migrates a device: the state
 * moves without the helper, and both devices work with the next helper.
 */
#include <signal.h>

#include "lib/migrate.h"

FIXTURE(helper)
{
	FIXTURE_DATA(device) pair;
	pid_t pid;
};

FIXTURE_VARIANT(helper)
{
	/* The state in which the first device is when something happens to the helper. */
	uint32_t from;
	/* The second one. */
	uint32_t to;
};

FIXTURE_VARIANT_ADD(helper, pre_copy) { .from = PRE, .to = RUNNING };
FIXTURE_VARIANT_ADD(helper, stop_copy) { .from = COPY, .to = RUNNING };
FIXTURE_VARIANT_ADD(helper, resuming) { .from = COPY, .to = RESUMING };

FIXTURE_SETUP(helper)
{
	static const char *const args[] = { "--migration",
					    "--migration-flags=6", NULL };

	if (variant->from == PRE && !has_pre_copy())
		SKIP(return, "Linux 6.1 has no state PRE_COPY");
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	ASSERT_EQ(0, party_start(&self->pair.from, args));
	ASSERT_EQ(0, party_start(&self->pair.to, args));
	store(&self->pair.from, 31);
	ASSERT_EQ(0, set_state(&self->pair.from, variant->from));
	if (variant->to == RESUMING) {
		ASSERT_EQ(0,
			  drain(self->pair.from.fd, &self->pair.stream, 999));
		ASSERT_EQ(0, set_state(&self->pair.to, RESUMING));
		ASSERT_EQ(100,
			  put(self->pair.to.fd, self->pair.stream.data, 100));
	}
}

FIXTURE_TEARDOWN(helper)
{
	if (!self->pid)
		return;
	party_stop(&self->pair.from);
	party_stop(&self->pair.to);
	helper_kill(self->pid);
}

/* The rest of the migration. */
static void finish(struct __test_metadata *_metadata,
		   FIXTURE_DATA(device) *pair)
{
	struct stream *s = &pair->stream;
	size_t done = 100;

	if (state(&pair->to) == RUNNING) {
		ASSERT_EQ(0, set_state(&pair->from, COPY));
		ASSERT_EQ(0, drain(pair->from.fd, s, 999));
		ASSERT_EQ(0, set_state(&pair->to, RESUMING));
		done = 0;
	}
	while (done < s->len) {
		long n = put(pair->to.fd, s->data + done, s->len - done);

		ASSERT_LT(0, n);
		done += n;
	}
	ASSERT_EQ(0, set_state(&pair->to, RUNNING));
	EXPECT_TRUE(is_stored(&pair->to, 31));
	ASSERT_EQ(0, set_state(&pair->from, RUNNING));
}

static void check_both_work(struct __test_metadata *_metadata,
			    FIXTURE_DATA(device) *pair)
{
	check_works(_metadata, &pair->from);
	check_works(_metadata, &pair->to);
	/* The helper is needed for another eventfd. */
	EXPECT_EQ(0, irq_set_eventfds(pair->to.dev.device, MSIX, VECTOR + 1, 1,
				      &pair->to.msix));
}

TEST_F(helper, state_moves_after_the_helper_was_killed)
{
	helper_kill(self->pid);
	finish(_metadata, &self->pair);
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	check_both_work(_metadata, &self->pair);
}

TEST_F(helper, state_moves_while_the_helper_is_upgraded)
{
	EXPECT_EQ(0, helper_stop(self->pid));
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	finish(_metadata, &self->pair);
	check_both_work(_metadata, &self->pair);
}

TEST_F(helper, state_moves_while_the_helper_is_stopped)
{
	ASSERT_EQ(0, kill(self->pid, SIGSTOP));
	finish(_metadata, &self->pair);
	ASSERT_EQ(0, kill(self->pid, SIGCONT));
	check_both_work(_metadata, &self->pair);
}

TEST_HARNESS_MAIN
