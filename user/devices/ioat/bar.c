// SPDX-License-Identifier: GPL-2.0
/* BAR 0: the registers, the MSI-X table and its pending bits. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "bar.h"
#include "regs.h"

/* The values that reads of the registers return. Other bytes read as 0. */
struct image {
	uint8_t chancnt;
	uint8_t xfercap;
	uint8_t genctrl;
	uint8_t intrctrl;
	uint32_t attnstatus;
	uint8_t cbver;
	uint8_t reserved0[3];
	uint16_t intrdelay;
	uint16_t cs_status;
	uint32_t dmacap;
	uint8_t reserved1[0x6c];
	uint16_t chanctrl;
	uint16_t reserved2;
	uint8_t chancmd;
	uint8_t reserved3;
	uint16_t dmacount;
	uint64_t chansts;
	uint64_t chainaddr;
	uint64_t chancmp;
	uint64_t cdar;
	uint32_t chanerr;
	uint32_t chanerrmask;
};

#define CHECK_OFFSET(member, offset) \
	_Static_assert(offsetof(struct image, member) == (offset), #member)

CHECK_OFFSET(attnstatus, IOAT_ATTNSTATUS);
CHECK_OFFSET(cbver, IOAT_CBVER);
CHECK_OFFSET(intrdelay, IOAT_INTRDELAY);
CHECK_OFFSET(cs_status, IOAT_CS_STATUS);
CHECK_OFFSET(dmacap, IOAT_DMACAP);
CHECK_OFFSET(chanctrl, IOAT_CHANCTRL);
CHECK_OFFSET(chancmd, IOAT_CHANCMD);
CHECK_OFFSET(dmacount, IOAT_DMACOUNT);
CHECK_OFFSET(chansts, IOAT_CHANSTS);
CHECK_OFFSET(chainaddr, IOAT_CHAINADDR);
CHECK_OFFSET(chancmp, IOAT_CHANCMP);
CHECK_OFFSET(cdar, IOAT_CDAR);
CHECK_OFFSET(chanerr, IOAT_CHANERR);
CHECK_OFFSET(chanerrmask, IOAT_CHANERRMASK);
_Static_assert(sizeof(struct image) == IOAT_REGS_END, "register image");

/* Reading has no side effects, so each read access reads all registers. */
static void take_image(struct ioat_bar *bar, struct image *image)
{
	struct ioat_channel_regs regs;
	uint8_t intrctrl = bar->intrctrl;

	ioat_channel_read(bar->channel, &regs);
	if (regs.attention)
		intrctrl |= IOAT_INTRCTRL_STATUS;
	if (regs.attention && intrctrl & IOAT_INTRCTRL_MASTER)
		intrctrl |= IOAT_INTRCTRL_INT;

	*image = (struct image) {
		.chancnt = IOAT_CHANNELS,
		.xfercap = IOAT_XFERCAP_ORDER,
		.genctrl = bar->genctrl,
		.intrctrl = intrctrl,
		.attnstatus = regs.attention,
		.cbver = IOAT_VERSION,
		.intrdelay = bar->intrdelay,
		.dmacap = IOAT_DMACAP_FILL,
		.chanctrl = regs.chanctrl,
		.chancmd = regs.chancmd,
		.dmacount = regs.dmacount,
		.chansts = regs.chansts,
		.chainaddr = regs.chainaddr,
		.chancmp = regs.chancmp,
		.cdar = regs.cdar,
		.chanerr = regs.chanerr,
		.chanerrmask = regs.chanerrmask,
	};
}

static void write_genctrl(struct ioat_bar *bar, uint64_t value)
{
	bar->genctrl = value & IOAT_GENCTRL_BITS;
}

static void write_intrctrl(struct ioat_bar *bar, uint64_t value)
{
	bar->intrctrl = value & (IOAT_INTRCTRL_MASTER | IOAT_INTRCTRL_MSIX);
}

static void write_intrdelay(struct ioat_bar *bar, uint64_t value)
{
	bar->intrdelay = value & IOAT_INTRDELAY_BITS;
}

static void write_chanctrl(struct ioat_bar *bar, uint64_t value)
{
	ioat_channel_set_ctrl(bar->channel, value);
}

static void write_chancmd(struct ioat_bar *bar, uint64_t value)
{
	ioat_channel_command(bar->channel, value);
}

static void write_dmacount(struct ioat_bar *bar, uint64_t value)
{
	ioat_channel_set_count(bar->channel, value);
}

static void write_chainaddr(struct ioat_bar *bar, uint64_t value)
{
	ioat_channel_set_chain(bar->channel, value);
}

static void write_chancmp(struct ioat_bar *bar, uint64_t value)
{
	ioat_channel_set_completion(bar->channel, value);
}

static void write_chanerr(struct ioat_bar *bar, uint64_t value)
{
	ioat_channel_clear_error(bar->channel, value);
}

static void write_chanerrmask(struct ioat_bar *bar, uint64_t value)
{
	ioat_channel_set_error_mask(bar->channel, value);
}

/**
 * struct reg - a writable register
 * @offset: offset in BAR 0
 * @size: size in bytes
 * @command: true if the bytes of the register that an access does not write
 *	count as 0; false if they keep their value
 * @write: writes the value of the whole register
 */
struct reg {
	uint16_t offset;
	uint8_t size;
	bool command;
	void (*write)(struct ioat_bar *bar, uint64_t value);
};

static const struct reg writable[] = {
	{ IOAT_GENCTRL, 1, false, write_genctrl },
	{ IOAT_INTRCTRL, 1, false, write_intrctrl },
	{ IOAT_INTRDELAY, 2, false, write_intrdelay },
	{ IOAT_CHANCTRL, 2, false, write_chanctrl },
	{ IOAT_CHANCMD, 1, true, write_chancmd },
	{ IOAT_DMACOUNT, 2, false, write_dmacount },
	{ IOAT_CHAINADDR, 8, false, write_chainaddr },
	{ IOAT_CHANCMP, 8, false, write_chancmp },
	{ IOAT_CHANERR, 4, true, write_chanerr },
	{ IOAT_CHANERRMASK, 4, false, write_chanerrmask },
};

/* The part of [offset, offset + count) that lies in [start, start + size). */
struct overlap {
	uint64_t start;
	uint64_t end;
};

static bool overlaps(uint64_t offset, uint32_t count, uint64_t start,
		     uint64_t size, struct overlap *o)
{
	o->start = offset > start ? offset : start;
	o->end = offset + count < start + size ? offset + count : start + size;
	return o->start < o->end;
}

static void write_reg(struct ioat_bar *bar, const struct reg *reg,
		      uint64_t offset, const uint8_t *buf, uint32_t count)
{
	struct image image;
	struct overlap o;
	uint64_t value = 0;

	if (!overlaps(offset, count, reg->offset, reg->size, &o))
		return;
	if (!reg->command) {
		take_image(bar, &image);
		memcpy(&value, (uint8_t *)&image + reg->offset, reg->size);
	}
	memcpy((uint8_t *)&value + (o.start - reg->offset),
	       buf + (o.start - offset), o.end - o.start);
	reg->write(bar, value);
}

/**
 * ioat_bar_reset - reset the registers that do not belong to the channel
 * @bar: BAR 0
 */
void ioat_bar_reset(struct ioat_bar *bar)
{
	vuser_msix_reset(&bar->msix);
	bar->genctrl = 0;
	bar->intrctrl = 0;
	bar->intrdelay = 0;
}

/**
 * ioat_bar_read - read from BAR 0
 * @bar: BAR 0
 * @offset: offset in BAR 0
 * @buf: set to the bytes; reserved ones are 0
 * @count: number of bytes; the caller has checked that they lie within the BAR
 */
void ioat_bar_read(struct ioat_bar *bar, uint64_t offset, void *buf,
		   uint32_t count)
{
	struct image image;
	struct overlap o;
	uint8_t *out = buf;

	memset(buf, 0, count);
	if (overlaps(offset, count, 0, sizeof(image), &o)) {
		take_image(bar, &image);
		memcpy(out + (o.start - offset), (uint8_t *)&image + o.start,
		       o.end - o.start);
	}
	if (overlaps(offset, count, IOAT_MSIX_TABLE, IOAT_MSIX_VECTORS * 16,
		     &o))
		vuser_msix_table_read(&bar->msix, o.start - IOAT_MSIX_TABLE,
				      out + (o.start - offset),
				      o.end - o.start);
	if (overlaps(offset, count, IOAT_MSIX_PBA, 8, &o))
		vuser_msix_pba_read(&bar->msix, o.start - IOAT_MSIX_PBA,
				    out + (o.start - offset), o.end - o.start);
}

bool ioat_bar_is_one(uint64_t offset, uint32_t count)
{
	unsigned int nr = 0;
	struct overlap o;
	size_t i;

	for (i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		nr += overlaps(offset, count, writable[i].offset,
			       writable[i].size, &o);
	return nr <= 1;
}

/**
 * ioat_bar_write - write to BAR 0
 * @bar: BAR 0
 * @offset: offset in BAR 0
 * @buf: the bytes; those for reserved or read-only registers are ignored
 * @count: number of bytes; the caller has checked that they lie within the BAR
 *
 * A write over several registers writes them in ascending order.
 */
void ioat_bar_write(struct ioat_bar *bar, uint64_t offset, const void *buf,
		    uint32_t count)
{
	const uint8_t *in = buf;
	struct overlap o;
	size_t i;

	for (i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		write_reg(bar, &writable[i], offset, in, count);
	if (overlaps(offset, count, IOAT_MSIX_TABLE, IOAT_MSIX_VECTORS * 16,
		     &o))
		vuser_msix_table_write(&bar->msix, o.start - IOAT_MSIX_TABLE,
				       in + (o.start - offset),
				       o.end - o.start);
}
