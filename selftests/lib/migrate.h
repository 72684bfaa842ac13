/* SPDX-License-Identifier: GPL-2.0 */
/* Two devices with their servers and a consumer that migrates one to the other. */
#ifndef SELFTESTS_MIGRATE_H
#define SELFTESTS_MIGRATE_H

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "clock.h"
#include "consumer.h"
#include "helper.h"
#include "mem.h"

/* Linux 6.2 and later. */
#ifndef VFIO_MIGRATION_PRE_COPY
#define VFIO_MIGRATION_PRE_COPY		  (1 << 2)
#define VFIO_DEVICE_STATE_PRE_COPY	  6
#define VFIO_DEVICE_STATE_PRE_COPY_P2P	  7
#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE 9
struct vfio_precopy_info {
	__u32 argsz;
	__u32 flags;
	__aligned_u64 initial_bytes;
	__aligned_u64 dirty_bytes;
};
#define VFIO_MIG_GET_PRECOPY_INFO _IO(VFIO_TYPE, VFIO_BASE + 21)
#endif

#define STOP	 VFIO_DEVICE_STATE_STOP
#define RUNNING	 VFIO_DEVICE_STATE_RUNNING
#define COPY	 VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING VFIO_DEVICE_STATE_RESUMING
#define ERROR	 VFIO_DEVICE_STATE_ERROR
#define P2P	 VFIO_DEVICE_STATE_RUNNING_P2P
#define PRE	 VFIO_DEVICE_STATE_PRE_COPY
#define PRE_P2P	 VFIO_DEVICE_STATE_PRE_COPY_P2P

#define PAGE   0x1000UL
#define IOVA   0x10000UL
#define MEM    TESTDEV_REG_MEMORY
#define VECTOR 3
#define MSIX   VFIO_PCI_MSIX_IRQ_INDEX

/* More than the device's state, in which BAR 0 may come twice. */
#define STREAM_MAX (4 * TESTDEV_BAR0_SIZE)
/* The record of the state that the device has in STOP_COPY. */
#define STATE_SIZE (TESTDEV_BAR0_SIZE + TESTDEV_CONFIG_SIZE + 1)

struct stream {
	char data[STREAM_MAX];
	size_t len;
};

/* A device and its server. */
struct party {
	struct testdev td;
	struct vfio_dev dev;
	volatile uint32_t *bar;
	int msix;
	int fd; /* the file of the state, or -1 */
};

/* The consumer ---------------------------------------------------------------- */

static inline int feature(int device, uint32_t flags, void *data, size_t size)
{
	struct {
		struct vfio_device_feature head;
		char data[64];
	} msg = { .head.argsz = sizeof(msg.head) + size, .head.flags = flags };
	int ret;

	memcpy(msg.data, data, size);
	ret = ioctl(device, VFIO_DEVICE_FEATURE, &msg) ? -errno : 0;
	memcpy(data, msg.data, size);
	return ret;
}

static inline int get_flags(struct party *p, uint64_t *flags)
{
	*flags = 0;
	return feature(p->dev.device,
		       VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION,
		       flags, sizeof(*flags));
}

/* The state, or -errno. */
static inline int state(struct party *p)
{
	struct vfio_device_feature_mig_state get = {};
	int ret = feature(p->dev.device,
			  VFIO_DEVICE_FEATURE_GET |
				  VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			  &get, sizeof(get));

	return ret ? ret : (int)get.device_state;
}

static inline int set_state(struct party *p, uint32_t to)
{
	struct vfio_device_feature_mig_state set = { .device_state = to };
	int ret = feature(p->dev.device,
			  VFIO_DEVICE_FEATURE_SET |
				  VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			  &set, sizeof(set));

	if (!ret && set.data_fd >= 0) {
		if (p->fd >= 0)
			close(p->fd);
		p->fd = set.data_fd;
	}
	return ret;
}

static inline int reset(struct party *p)
{
	return ioctl(p->dev.device, VFIO_DEVICE_RESET) ? -errno : 0;
}

static inline long take(int fd, void *buf, size_t size)
{
	ssize_t ret = read(fd, buf, size);

	return ret < 0 ? -errno : ret;
}

static inline long put(int fd, const void *buf, size_t size)
{
	ssize_t ret = write(fd, buf, size);

	return ret < 0 ? -errno : ret;
}

/* Reads in parts of @part bytes until a read gives nothing; that result. */
static inline long drain(int fd, struct stream *s, size_t part)
{
	long ret = 1;

	while (ret > 0 && s->len < STREAM_MAX) {
		if (part > STREAM_MAX - s->len)
			part = STREAM_MAX - s->len;
		ret = take(fd, s->data + s->len, part);
		if (ret > 0)
			s->len += ret;
	}
	return ret;
}

static inline long fill(int fd, const struct stream *s, size_t part)
{
	size_t done = 0;
	long ret;

	while (done < s->len) {
		if (part > s->len - done)
			part = s->len - done;
		ret = put(fd, s->data + done, part);
		if (ret <= 0)
			return ret;
		done += ret;
	}
	return done;
}

/* Set-up ------------------------------------------------------------------------ */

static inline int party_open(struct party *p)
{
	int ret = vfio_dev_open(&p->dev, p->td.uuid, VFIO_TYPE1v2_IOMMU);

	if (ret)
		return ret;
	p->bar = map_bar0(p->dev.device);
	return p->bar == MAP_FAILED ? -errno :
				      irq_set_eventfds(p->dev.device, MSIX,
						       VECTOR, 1, &p->msix);
}

static inline int party_start(struct party *p, const char *const *args)
{
	int ret;

	p->dev = (struct vfio_dev)VFIO_DEV_INIT;
	p->fd = -1;
	new_eventfds(&p->msix, 1);
	ret = testdev_start(&p->td, args);
	return ret ? ret : party_open(p);
}

static inline void party_close(struct party *p)
{
	if (p->bar)
		munmap((void *)p->bar, TESTDEV_BAR0_SIZE);
	p->bar = NULL;
	vfio_dev_close(&p->dev);
}

static inline void party_stop(struct party *p)
{
	party_close(p);
	if (p->fd >= 0)
		close(p->fd);
	testdev_stop(&p->td);
	close(p->msix);
}

/* Whether the kernel has the states PRE_COPY. */
static inline bool has_pre_copy(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= 2);
}

FIXTURE(device)
{
	struct party from, to;
	struct stream stream;
	uint64_t flags;
	long locked;
};

/* The device runs: registers, memory of the server, an interrupt. */
static inline void check_works(struct __test_metadata *_metadata,
			       struct party *p)
{
	static uint32_t value;

	EXPECT_EQ(RUNNING, state(p));
	value += 5;
	p->bar[MEM / 4 + 900] = value;
	EXPECT_EQ(value, p->bar[MEM / 4 + 900]);
	EXPECT_EQ(value, testdev_num(&p->td, "peek 0 0x%x 4", MEM + 4 * 900));
	eventfd_wait(p->msix, 0);
	EXPECT_LT(0, testdev_num(&p->td, "irq %u %u", MSIX, VECTOR));
	/* The kernel repeats an interrupt for a new server: there may be two. */
	EXPECT_LE(1, eventfd_wait(p->msix, SOON_MS));
}

/* Values that no other test stores. */
static inline void store(struct party *p, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < 100; i++)
		p->bar[MEM / 4 + i * 7] = seed + i;
}

static inline bool is_stored(struct party *p, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < 100; i++)
		if (p->bar[MEM / 4 + i * 7] != seed + i)
			return false;
	return true;
}

static inline bool supports(uint64_t flags, uint32_t state)
{
	switch (state) {
	case P2P:
		return flags & VFIO_MIGRATION_P2P;
	case PRE:
		return flags & VFIO_MIGRATION_PRE_COPY;
	case PRE_P2P:
		return (flags & VFIO_MIGRATION_P2P) &&
		       (flags & VFIO_MIGRATION_PRE_COPY);
	default:
		return state && state <= PRE_P2P;
	}
}

static inline bool saves(uint32_t state)
{
	return state == COPY || state == PRE || state == PRE_P2P;
}

static inline bool has_file(uint32_t state)
{
	return saves(state) || state == RESUMING;
}

/* Brings the device from RUNNING to a state, such that it can leave this state again. */
static inline void enter(struct __test_metadata *_metadata,
			 FIXTURE_DATA(device) *self, uint32_t to)
{
	struct party *p = &self->from;

	ASSERT_EQ(0, set_state(p, to));
	if (to == RESUMING)
		ASSERT_EQ(self->stream.len, fill(p->fd, &self->stream, 1000));
	ASSERT_EQ(to, state(p));
}

static inline void save(struct __test_metadata *_metadata,
			FIXTURE_DATA(device) *self, size_t part)
{
	struct party *p = &self->from;

	self->stream.len = 0;
	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_LE(0, p->fd);
	ASSERT_EQ(0, drain(p->fd, &self->stream, part));
}

static inline void load(struct __test_metadata *_metadata,
			FIXTURE_DATA(device) *self, size_t part)
{
	struct party *p = &self->to;

	ASSERT_EQ(0, set_state(p, RESUMING));
	ASSERT_LE(0, p->fd);
	ASSERT_EQ(self->stream.len, fill(p->fd, &self->stream, part));
}

static inline int precopy_info(int fd, struct vfio_precopy_info *info,
			       uint32_t argsz)
{
	memset(info, 0xff, sizeof(*info));
	info->argsz = argsz;
	return ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, info) ? -errno : 0;
}

#endif /* SELFTESTS_MIGRATE_H */
