/* SPDX-License-Identifier: GPL-2.0 */
/* The fixture of tests of migration: servers with and without the optional states. */
#ifndef SELFTESTS_MIGRATE_FIXTURE_H
#define SELFTESTS_MIGRATE_FIXTURE_H

#include "migrate.h"

FIXTURE_VARIANT(device)
{
	const char *option;
	uint64_t flags;
};

FIXTURE_VARIANT_ADD(device, plain) { .option = "--migration-flags=0",
				     .flags = 1 };
FIXTURE_VARIANT_ADD(device, all) { .option = "--migration-flags=6",
				   .flags = 7 };

FIXTURE_SETUP(device)
{
	const char *const args[] = { "--migration", variant->option, NULL };

	self->locked = res_locked();
	self->flags = variant->flags;
	if (!has_pre_copy())
		self->flags &= ~(uint64_t)VFIO_MIGRATION_PRE_COPY;
	ASSERT_EQ(0, party_start(&self->from, args));
	ASSERT_EQ(0, party_start(&self->to, args));
}

FIXTURE_TEARDOWN(device)
{
	party_stop(&self->from);
	party_stop(&self->to);
	EXPECT_EQ(self->locked, res_locked());
}

#endif /* SELFTESTS_MIGRATE_FIXTURE_H */
