/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The regions of vuser-testdev, for the server and the selftests.
 *
 * BAR 0  registers, all trapped, no areas and no ioeventfds: stores are posted
 * BAR 1  MSI-X table and pending bits, a page each
 * BAR 2  two shared areas between trapped pages
 * BAR 3  doorbells: ioeventfds and trapped registers
 * BAR 4  one shared area that is the whole region
 * BAR 5  memory of the server that is not shared
 * ROM    read-only
 * 9      a region with a device-specific type
 *
 * All offsets without a name below are memory.
 *
 * DEVICE_FEATURE TESTDEV_FEATURE gets and sets the first bytes of region 9.
 */
#ifndef VUSER_TESTDEV_H
#define VUSER_TESTDEV_H

#define TESTDEV_VENDOR_ID 0x5655
#define TESTDEV_DEVICE_ID 0x7e57
#define TESTDEV_CLASS	  0xff0000

#define TESTDEV_CONFIG_SIZE 0x1000
#define TESTDEV_ROM_SIZE    0x1000

/* The first region after those of PCI. */
#define TESTDEV_TYPED	   9
#define TESTDEV_TYPED_SIZE 0x1000
/* VFIO_REGION_TYPE_PCI_VENDOR_TYPE and the vendor. */
#define TESTDEV_TYPED_TYPE    (1U << 31 | TESTDEV_VENDOR_ID)
#define TESTDEV_TYPED_SUBTYPE 7

#define TESTDEV_FEATURE	     0x7e57
#define TESTDEV_FEATURE_SIZE 24

#define TESTDEV_BAR0_SIZE 0x4000
/* Reads as TESTDEV_ID, ignores stores; 4 bytes. */
#define TESTDEV_REG_ID 0x000
#define TESTDEV_ID     0x54445655
/* Each read returns the number of reads before it; 4 or 8 bytes. */
#define TESTDEV_REG_READS 0x008
/* A read of 8 bytes first does what the "onread" command requested. */
#define TESTDEV_REG_ONREAD 0x010
/* Memory from here to the end of the BAR. */
#define TESTDEV_REG_MEMORY 0x1000

#define TESTDEV_BAR1_SIZE  0x2000
#define TESTDEV_MSIX_TABLE 0x0000
#define TESTDEV_MSIX_PBA   0x1000
/* With --small-msix: one page with the table, the pending bits and memory. */
#define TESTDEV_SMALL_BAR1_SIZE 0x1000
#define TESTDEV_SMALL_PBA	0x200
#define TESTDEV_SMALL_MEMORY	0x400

#define TESTDEV_BAR2_SIZE    0x10000
#define TESTDEV_AREA0_OFFSET 0x1000
#define TESTDEV_AREA0_SIZE   0x3000
#define TESTDEV_AREA1_OFFSET 0x8000
#define TESTDEV_AREA1_SIZE   0x4000

#define TESTDEV_BAR3_SIZE    0x2000
#define TESTDEV_NR_DOORBELLS 5
/* Doorbell 0: a store of 4 bytes, any value. */
#define TESTDEV_DB_ANY 0x000
/* Doorbells 1 and 2: a store of 2 bytes with exactly this value. */
#define TESTDEV_DB_MATCH  0x010
#define TESTDEV_DB_MATCH1 0x1234
#define TESTDEV_DB_MATCH2 0x4321
/* Doorbell 3: a store of any size. */
#define TESTDEV_DB_ANYSIZE 0x020
/* Doorbell 4: a store of 8 bytes, any value. */
#define TESTDEV_DB_WIDE 0x028
/* Memory between the doorbells. */
#define TESTDEV_DB_MEMORY 0x800

/* --bar4-size overrides this. */
#define TESTDEV_BAR4_SIZE 0x10000
#define TESTDEV_BAR5_SIZE 0x1000

/*
 * With --model: BAR 3 has I/O ports, BAR 4 has 64 bits, and there is no BAR 5.  The
 * device has MSI, power management and FLR, and honors its configuration space.
 */
#define TESTDEV_MODEL_IO_BAR   3
#define TESTDEV_MODEL_WIDE_BAR 4

#define TESTDEV_NR_MSI	8
#define TESTDEV_NR_MSIX 32

/* The maximum size of a packet on the control socket. */
#define TESTDEV_CTL_MAX 65536

#endif /* VUSER_TESTDEV_H */
