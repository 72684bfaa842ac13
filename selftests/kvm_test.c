// SPDX-License-Identifier: GPL-2.0
/*
 * The policy "auto": a consumer that gave its group to KVM may map only shared
 * areas, because a guest cannot handle the fault of a register.  Any other
 * consumer may map everything.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/consumer.h"

#define M VFIO_REGION_INFO_FLAG_MMAP
#define C VFIO_REGION_INFO_FLAG_CAPS

/* A virtual machine without processors and memory, and KVM's list of groups. */
struct vm {
	int kvm;
	int vm;
	int vfio;
};

static int vm_open(struct vm *vm)
{
	struct kvm_create_device create = { .type = KVM_DEV_TYPE_VFIO };

	vm->vm = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->vm < 0 || ioctl(vm->vm, KVM_CREATE_DEVICE, &create))
		return -errno;
	vm->vfio = create.fd;
	return 0;
}

static void vm_close(struct vm *vm)
{
	close(vm->vfio);
	close(vm->vm);
	close(vm->kvm);
}

static int vm_add_group(struct vm *vm, int group)
{
	int32_t fd = group;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = KVM_DEV_VFIO_GROUP_ADD,
		.addr = (uintptr_t)&fd,
	};

	return ioctl(vm->vfio, KVM_SET_DEVICE_ATTR, &attr) ? -errno : 0;
}

FIXTURE(group)
{
	struct vfio_dev dev;
	struct vm vm;
};

FIXTURE_VARIANT(group)
{
	const char *policy;
	bool kvm;
	bool sparse;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(group, auto_with_kvm) { "auto", true, true };
FIXTURE_VARIANT_ADD(group, auto_without) { "auto", false, false };
FIXTURE_VARIANT_ADD(group, trap_with_kvm) { "trap", true, false };
FIXTURE_VARIANT_ADD(group, sparse_without) { "sparse", false, true };
/* clang-format on */

FIXTURE_SETUP(group)
{
	struct vfio_dev *dev = &self->dev;

	*dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->vm = (struct vm) { -1, -1, -1 };
	if (variant->kvm) {
		self->vm.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
		if (self->vm.kvm < 0)
			SKIP(return,
				   "no /dev/kvm: this machine's processor cannot virtualize");
		ASSERT_EQ(0, vm_open(&self->vm));
	}
	ASSERT_EQ(0, mdev_set(shared.uuid, "mmap", variant->policy));
	dev->container = container_open();
	ASSERT_LE(0, dev->container);
	dev->group = group_open(shared.uuid);
	ASSERT_LE(0, dev->group);
	ASSERT_EQ(0, group_attach(dev->group, dev->container));
	ASSERT_EQ(0, ioctl(dev->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	/* Like QEMU, add the group before opening the device. */
	if (variant->kvm) {
		ASSERT_EQ(0, vm_add_group(&self->vm, dev->group));
	}
	dev->device = group_device(dev->group, shared.uuid);
	ASSERT_LE(0, dev->device);
}

FIXTURE_TEARDOWN(group)
{
	vfio_dev_close(&self->dev);
	vm_close(&self->vm);
	EXPECT_EQ(0, mdev_set(shared.uuid, "mmap", "auto"));
}

static bool can_map(int device, uint32_t index, uint64_t off)
{
	void *p = region_mmap(device, index, off, 0x1000, PROT_READ);

	return p != MAP_FAILED && !munmap(p, 0x1000);
}

TEST_F(group, mappable_pages_depend_on_policy_and_kvm)
{
	int device = self->dev.device;
	struct vfio_region_info info;

	ASSERT_EQ(0, region_info(device, BAR(0), &info));
	EXPECT_EQ(variant->sparse ? 0 : M, info.flags & (M | C));
	EXPECT_EQ(!variant->sparse, can_map(device, BAR(0), 0));
	ASSERT_EQ(0, region_info(device, BAR(2), &info));
	EXPECT_EQ(variant->sparse ? M | C : M, info.flags & (M | C));
	EXPECT_EQ(!variant->sparse, can_map(device, BAR(2), 0));
	EXPECT_TRUE(can_map(device, BAR(2), TESTDEV_AREA0_OFFSET));
}

SHARED_MAIN(NULL)
