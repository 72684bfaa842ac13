// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation fails in turn while the module is loaded: the load must fail
 * and release everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <kselftest_harness.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lib/inject.h"
#include "lib/sysfs.h"

/* A limit above the number of places that can fail. */
#define MAX_NTH 3000

FIXTURE(module)
{
	void *image;
	size_t size;
};

FIXTURE_SETUP(module)
{
	char path[512];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/module/kmod/vuser.ko",
		 getenv("BUILD"));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	self->size = st.st_size;
	self->image = malloc(self->size);
	ASSERT_NE(NULL, self->image);
	ASSERT_EQ(self->size, read(fd, self->image, self->size));
	close(fd);
}

FIXTURE_TEARDOWN(module)
{
	free(self->image);
}

static int load(const FIXTURE_DATA(module) *module)
{
	return syscall(SYS_init_module, module->image, module->size, "") ?
		       -errno :
		       0;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "vuser", O_NONBLOCK) ? -errno : 0;
}

/* Fails at one place after another, until a load has no more places. */
static void load_sweep(struct __test_metadata *_metadata,
		       FIXTURE_DATA(module) *self, enum inject_scope scope)
{
	int ret = 0, failed = 1;
	unsigned int nth;

	for (nth = 1; failed && nth < MAX_NTH; nth++) {
		ASSERT_EQ(0, inject_arm(INJECT_SELF, scope, nth));
		ret = load(self);
		failed = inject_disarm();
		if (ret) {
			/* Some kernel functions return EINVAL. */
			EXPECT_TRUE(ret == -ENOMEM || ret == -EINVAL)
			TH_LOG("failure %u: %s", nth, strerror(-ret));
			continue;
		}
		ASSERT_EQ(0, unload());
	}
	EXPECT_EQ(0, failed);
	/* There must be at least one place; otherwise nothing was tested. */
	EXPECT_LT(2, nth);
	TH_LOG("%u places", nth - 2);
}

TEST_F_TIMEOUT(module, failed_loads_release_everything, 300)
{
	ASSERT_EQ(0, inject_init());
	ASSERT_EQ(0, unload());
	load_sweep(_metadata, self, INJECT_ONE);
	load_sweep(_metadata, self, INJECT_FROM);
	ASSERT_EQ(0, load(self));
	EXPECT_EQ(0, access(MDEV_TYPE, F_OK));
}

TEST_HARNESS_MAIN
