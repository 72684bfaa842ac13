// SPDX-License-Identifier: GPL-2.0
/*
 * What vuser does differently from vfio-pci and type1, and why.  A call may differ in
 * these ways only, and each way must show up.  Documentation/limits.rst lists them.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "twice.h"

#define ANY INT64_MIN

/*
 * @reason: why the results differ
 * @model: the model, or NULL for each
 * @op: how the name of the operation begins
 * @field: how the name of the field begins
 * @arg: the argument that must be from @first to @last: 1 for the first one, or 0
 * @physical, @vuser: the values, or ANY
 * @mask: the bits that may differ; 0: all
 */
static const struct known {
	const char *reason;
	const char *model;
	const char *op;
	const char *field;
	unsigned int arg;
	uint64_t first, last;
	int64_t physical, vuser;
	uint64_t mask;
} known[] = {
#define ARG_IS(nr, from, to) .arg = (nr), .first = (from), .last = (to)
#define RETURNS(p, v)	     .field = "ret", .physical = (p), .vuser = (v)
#define VALUES(name, p, v)   .field = (name), .physical = (p), .vuser = (v)

#define RESET_REASON "a server can reset a device that PCI cannot reset"
	{ RESET_REASON, "edu", "get_info", VALUES("word1", ANY, ANY),
	  .mask = VFIO_DEVICE_FLAGS_RESET },
	{ RESET_REASON, "edu", "reset", RETURNS(-EINVAL, 0) },

#define ERR_REASON "each device has ERR, which reports a lost server"
	{ ERR_REASON, "edu", "get_irq_info", RETURNS(-EINVAL, 0),
	  ARG_IS(1, VFIO_PCI_ERR_IRQ_INDEX, VFIO_PCI_ERR_IRQ_INDEX) },
	{ ERR_REASON, "edu", "set_irqs", VALUES("", -EINVAL, ANY),
	  ARG_IS(2, VFIO_PCI_ERR_IRQ_INDEX, VFIO_PCI_ERR_IRQ_INDEX) },

#define MSI_REASON "QEMU's server has no MSI if the device has MSI-X"
	{ MSI_REASON, "e1000e", "get_irq_info", VALUES("word3", 1, 0),
	  ARG_IS(1, VFIO_PCI_MSI_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX) },
	{ MSI_REASON, "e1000e", "set_irqs", VALUES("", ANY, -EINVAL),
	  ARG_IS(2, VFIO_PCI_MSI_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX) },

	{ "VFIO_DEVICE_IOEVENTFD is not available", NULL, "ioeventfd",
	  RETURNS(ANY, -ENOTTY) },
	{ "low power is not available", NULL, "feature", RETURNS(ANY, -ENOTTY),
	  ARG_IS(1, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
		 VFIO_DEVICE_FEATURE_LOW_POWER_EXIT) },
	/* The fifth argument: FIRST_BAD, SECOND_BAD, FIRST_OTHER. */
	{ "SET_IRQS with a wrong descriptor changes nothing", NULL, "set_irqs",
	  VALUES("signal", ANY, ANY), ARG_IS(5, 2, 4) },
	{ "registers cannot be executed", NULL, "mmap", RETURNS(0, -EPERM) },

#define DECODE_REASON "a load reads ones while the device decodes no memory"
	{ DECODE_REASON, NULL, "read_without_memory", VALUES("signal", 7, 0) },
	{ DECODE_REASON, NULL, "read_without_memory",
	  VALUES("value", 0, 0xffffffff) },

#define REFUSED_REASON "QEMU's server refuses what the model does not expect"
	{ REFUSED_REASON, NULL, "pread", RETURNS(ANY, -EIO) },
	{ REFUSED_REASON, NULL, "load", VALUES("value", 0, 0xffffffff) },
	{ "the host has chosen the addresses of MSI-X messages", "e1000e",
	  "load", VALUES("value", ANY, 0xfee00000), .mask = 0xfffff },
	{ "configuration space is compared byte by byte", NULL, "pread",
	  VALUES("word", ANY, ANY),
	  ARG_IS(1, VFIO_PCI_CONFIG_REGION_INDEX,
		 VFIO_PCI_CONFIG_REGION_INDEX) },

	{ "there is no IOMMU that could nest", NULL, "check_extension",
	  RETURNS(1, 0), ARG_IS(1, 6, 6) },
	{ "DMA of a server is coherent", NULL, "check_extension", RETURNS(0, 1),
	  ARG_IS(1, VFIO_DMA_CC_IOMMU, VFIO_DMA_CC_IOMMU) },
	{ "page sizes and addresses are those of the IOMMU", NULL, "iommu_info",
	  VALUES("word", ANY, ANY) },

#define VADDR_REASON "mappings keep their address, as with every mdev"
	{ VADDR_REASON, NULL, "check_extension", RETURNS(1, 0),
	  ARG_IS(1, VFIO_UPDATE_VADDR, VFIO_UPDATE_VADDR) },
	{ VADDR_REASON, NULL, "update_vaddr", RETURNS(0, -EBUSY) },
	{ VADDR_REASON, NULL, "unmap_", RETURNS(ANY, -EBUSY),
	  ARG_IS(3, VFIO_DMA_UNMAP_FLAG_VADDR, VFIO_DMA_UNMAP_FLAG_VADDR + 3) },

#define WRAP_REASON "a range that wraps is EOVERFLOW, as in later kernels"
	{ WRAP_REASON, NULL, "map_", RETURNS(-EINVAL, -EOVERFLOW) },
	{ WRAP_REASON, NULL, "unmap_", RETURNS(-EINVAL, -EOVERFLOW) },

#define RANGE_REASON "the IOMMU has fewer addresses"
	{ RANGE_REASON, NULL, "map_", RETURNS(-EINVAL, ANY),
	  ARG_IS(1, 0xfee00000, 0xfee00000) },
	{ RANGE_REASON, NULL, "map_", RETURNS(-EINVAL, ANY),
	  ARG_IS(1, 1UL << 48, (1UL << 57) - 1) },
};

/*
 * Bits of configuration space that may differ: @mask of each byte from @first to @last.
 * @written: after ones were written; otherwise before and after that
 */
static const struct known_byte {
	const char *reason;
	const char *model;
	uint64_t first, last;
	uint8_t mask;
	bool written;
} known_bytes[] = {
	{ "firmware has turned on I/O decoding and SERR#", NULL, PCI_COMMAND,
	  PCI_COMMAND + 1, 0x01, false },
	{ "firmware has chosen other addresses", NULL, PCI_BASE_ADDRESS_0,
	  PCI_BASE_ADDRESS_5 + 3, 0xff, false },
	{ "firmware has chosen an interrupt", NULL, PCI_INTERRUPT_LINE,
	  PCI_INTERRUPT_LINE, 0xff, false },
	{ "vfio-pci keeps bits of MSI that the device does not have", "edu",
	  0x42, 0x42, 0x0e, true },
	{ "vfio-pci keeps bits of MSI that the device does not have", "e1000e",
	  0xd2, 0xd2, 0x0e, true },
	{ "vfio-pci hides power management events", "e1000e", 0xcd, 0xcd, 0x81,
	  true },
	{ "vfio-pci keeps sizes of PCI Express that the host does not use",
	  "e1000e", 0xe8, 0xe9, 0xf0, true },
	{ "vfio-pci keeps sizes of PCI Express that the host does not use",
	  "nvme", 0x88, 0x89, 0xf0, true },
};

/* How often each was seen, in all processes. */
static unsigned int *seen, *seen_bytes;

int known_init(void)
{
	seen = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	seen_bytes = seen + NR(known);
	return seen == MAP_FAILED ? -errno : 0;
}

static bool matches(const struct known *k, const char *model,
		    const struct op *op, const uint64_t *args,
		    const struct field *physical, const struct field *vuser)
{
	uint64_t differs = physical->value ^ vuser->value;

	if ((k->model && strcmp(k->model, model)) ||
	    strncmp(k->op, op->name, strlen(k->op)) ||
	    strncmp(k->field, physical->name, strlen(k->field)))
		return false;
	if (k->arg &&
	    (args[k->arg - 1] < k->first || args[k->arg - 1] > k->last))
		return false;
	if ((k->physical != ANY && k->physical != (int64_t)physical->value) ||
	    (k->vuser != ANY && k->vuser != (int64_t)vuser->value))
		return false;
	return !k->mask || !(differs & ~k->mask);
}

/* Finds the entry for the bits @differs of the byte at @off, and counts it. */
static bool byte_matches(const char *model, uint64_t off, uint8_t differs,
			 bool written)
{
	const struct known_byte *k;
	unsigned int i;

	for (i = 0; i < NR(known_bytes); i++) {
		k = &known_bytes[i];
		if ((k->model && strcmp(k->model, model)) || off < k->first ||
		    off > k->last || (differs & ~k->mask) ||
		    k->written != written)
			continue;
		__atomic_add_fetch(&seen_bytes[i], 1, __ATOMIC_RELAXED);
		return true;
	}
	return false;
}

/* Configuration space: the value of an access at args[0]. */
static bool bytes_match(const char *model, const uint64_t *args,
			const struct field *physical, const struct field *vuser)
{
	uint64_t differs = physical->value ^ vuser->value;
	uint64_t off = args[0] % CONFIG_SPAN;
	bool written = !strcmp(physical->name, "ones");

	for (; differs; differs >>= 8, off++)
		if ((differs & 0xff) &&
		    !byte_matches(model, off, differs & 0xff, written))
			return false;
	return true;
}

bool known_difference(const char *model, const struct op *op,
		      const uint64_t *args, const struct field *physical,
		      const struct field *vuser)
{
	unsigned int i;

	if (!strncmp(op->name, "config_", strlen("config_")))
		return bytes_match(model, args, physical, vuser);
	for (i = 0; i < NR(known); i++) {
		if (!matches(&known[i], model, op, args, physical, vuser))
			continue;
		__atomic_add_fetch(&seen[i], 1, __ATOMIC_RELAXED);
		return true;
	}
	return false;
}

unsigned int known_unseen(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < NR(known); i++) {
		if (seen[i])
			continue;
		n++;
		printf("# no call showed: %s: %s: %s\n",
		       known[i].model ?: "each model", known[i].op,
		       known[i].reason);
	}
	for (i = 0; i < NR(known_bytes); i++) {
		if (seen_bytes[i])
			continue;
		n++;
		printf("# no call showed: %s: configuration space at 0x%lx: %s\n",
		       known_bytes[i].model ?: "each model",
		       known_bytes[i].first, known_bytes[i].reason);
	}
	return n;
}
