// SPDX-License-Identifier: GPL-2.0
/*
 * A 32-bit consumer without any library, so that a system without i386
 * libraries can build and run it.
 *
 * consumer32 GROUP DEVICE [load]
 *
 * opens the device and uses all of it, then writes a byte to standard output.
 * When it has read a byte, it waits for an interrupt and exits with 0, or, with
 * "load", loads from a trapped register.  Any other exit status is the number
 * of the line that failed, modulo 256.
 */
#include <linux/vfio.h>

#include "../testdev/testdev.h"

/* Numbers of the i386 system calls; this file is only built for i386. */
#define NR_EXIT	    1
#define NR_READ	    3
#define NR_WRITE    4
#define NR_OPEN	    5
#define NR_IOCTL    54
#define NR_PREAD64  180
#define NR_PWRITE64 181
#define NR_MMAP2    192
#define NR_EVENTFD2 328

#define O_RDWR	   2
#define PROT_READ  1
#define MAP_SHARED 1

#define PAGE 0x1000

/*
 * Makes a system call with six arguments in registers; the last is in the frame
 * pointer.
 */
static long call(long nr, long a, long b, long c, long d, long e, long f)
{
	long regs[] = { a, f, nr };
	long ret = (long)regs;

	asm volatile("push %%ebp\n\t"
		     "push %%ebx\n\t"
		     "mov 0(%%eax), %%ebx\n\t"
		     "mov 4(%%eax), %%ebp\n\t"
		     "mov 8(%%eax), %%eax\n\t"
		     "int $0x80\n\t"
		     "pop %%ebx\n\t"
		     "pop %%ebp"
		     : "+a"(ret)
		     : "c"(b), "d"(c), "S"(d), "D"(e)
		     : "memory");
	return ret;
}

static void leave(int status)
{
	call(NR_EXIT, status, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}

#define CHECK(ok)                                     \
	do {                                          \
		if (!(ok))                            \
			leave(__LINE__ % 256 ?: 255); \
	} while (0)

static long io(int fd, unsigned long cmd, const void *arg)
{
	return call(NR_IOCTL, fd, cmd, (long)arg, 0, 0, 0);
}

static long get(int fd, void *buf, long len, __u64 off)
{
	return call(NR_PREAD64, fd, (long)buf, len, off, off >> 32, 0);
}

static long put(int fd, const void *buf, long len, __u64 off)
{
	return call(NR_PWRITE64, fd, (long)buf, len, off, off >> 32, 0);
}

static volatile __u32 *map(int fd, __u64 off)
{
	long ret =
		call(NR_MMAP2, 0, PAGE, PROT_READ, MAP_SHARED, fd, off / PAGE);

	/* -4095 to -1 are errors. */
	CHECK((unsigned long)ret < -4095UL);
	return (volatile __u32 *)ret;
}

static __u64 region(int device, __u32 index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	CHECK(!io(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	CHECK(info.size >= PAGE);
	return info.offset;
}

/* Opens the device as a consumer does, and maps a page for DMA. */
static int open_device(const char *group_path, const char *name)
{
	static char memory[PAGE] __attribute__((aligned(PAGE)));
	struct vfio_iommu_type1_dma_map dma = {
		.argsz = sizeof(dma),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (unsigned long)memory,
		.iova = 0x100000000ull, /* more than 32 bits */
		.size = PAGE,
	};
	int container, group, device;

	container = call(NR_OPEN, (long)"/dev/vfio/vfio", O_RDWR, 0, 0, 0, 0);
	CHECK(container >= 0);
	CHECK(io(container, VFIO_GET_API_VERSION, 0) == VFIO_API_VERSION);
	CHECK(io(container, VFIO_CHECK_EXTENSION, (void *)VFIO_TYPE1v2_IOMMU) ==
	      1);
	group = call(NR_OPEN, (long)group_path, O_RDWR, 0, 0, 0, 0);
	CHECK(group >= 0);
	CHECK(!io(group, VFIO_GROUP_SET_CONTAINER, &container));
	CHECK(!io(container, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU));
	device = io(group, VFIO_GROUP_GET_DEVICE_FD, name);
	CHECK(device >= 0);
	memory[0] = 0x32;
	CHECK(!io(container, VFIO_IOMMU_MAP_DMA, &dma));
	return device;
}

static int set_interrupt(int device)
{
	struct {
		struct vfio_irq_set head;
		__s32 fd;
	} set = {
		.head = {
			.argsz = sizeof(set),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = 1,
		},
	};

	set.fd = call(NR_EVENTFD2, 0, 0, 0, 0, 0, 0);
	CHECK(set.fd >= 0);
	CHECK(!io(device, VFIO_DEVICE_SET_IRQS, &set));
	return set.fd;
}

static void use(int device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	__u64 regs = region(device, VFIO_PCI_BAR0_REGION_INDEX);
	__u64 area = region(device, VFIO_PCI_BAR4_REGION_INDEX);
	__u32 value = 0;

	CHECK(!io(device, VFIO_DEVICE_GET_INFO, &info));
	CHECK(info.flags & VFIO_DEVICE_FLAGS_PCI);
	CHECK(!io(device, VFIO_DEVICE_RESET, 0));
	CHECK(get(device, &value, 4, regs + TESTDEV_REG_ID) == 4);
	CHECK(value == TESTDEV_ID);
	value = 0x32323232;
	CHECK(put(device, &value, 4, area + 8) == 4);
	/* The server's memory is accessible without a trap. */
	CHECK(map(device, area)[2] == value);
}

/* The stack at program start: the number of arguments, then the arguments. */
__attribute__((used)) static void start(char **stack)
{
	char **argv = stack + 1;
	int device, event;
	__u64 count = 0;
	char c = 0;

	CHECK((long)stack[0] >= 3);
	device = open_device(argv[1], argv[2]);
	use(device);
	event = set_interrupt(device);
	CHECK(call(NR_WRITE, 1, (long)&c, 1, 0, 0, 0) == 1);
	CHECK(call(NR_READ, 0, (long)&c, 1, 0, 0, 0) == 1);
	if (argv[3])
		(void)map(device,
			  region(device, VFIO_PCI_BAR0_REGION_INDEX))[0];
	CHECK(call(NR_READ, event, (long)&count, 8, 0, 0, 0) == 8);
	leave(count == 1 ? 0 : 255);
}

asm(".globl _start\n"
    "_start:\n\t"
    "mov %esp, %eax\n\t"
    "and $-16, %esp\n\t"
    "sub $12, %esp\n\t"
    "push %eax\n\t"
    "call start");
