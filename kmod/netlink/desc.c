// SPDX-License-Identifier: GPL-2.0
/*
 * Parses the description of a server's device from the attributes of dev-attach.
 *
 * This file checks only the form: missing attributes, indexes that are given twice,
 * and indexes and numbers that exceed the limits of struct vuser_desc.
 * vuser_desc_check() checks that the values are valid.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/slab.h>

#include "dma/file.h"
#include "netlink/desc.h"
#include "netlink/gen.h"
#include "server/desc.h"

static int vuser_nl_area(struct vuser_area *area, const struct nlattr *nest,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[VUSER_A_AREA_MAX + 1];
	int ret;

	ret = nla_parse_nested(tb, VUSER_A_AREA_MAX, nest,
			       vuser_area_nl_policy, extack);
	if (ret)
		return ret;
	if (!tb[VUSER_A_AREA_OFFSET] || !tb[VUSER_A_AREA_SIZE] ||
	    !tb[VUSER_A_AREA_FD] || !tb[VUSER_A_AREA_FILE_OFFSET]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "an attribute of the area is missing");
		return -EINVAL;
	}
	area->offset = nla_get_u64(tb[VUSER_A_AREA_OFFSET]);
	area->size = nla_get_u64(tb[VUSER_A_AREA_SIZE]);
	area->file_offset = nla_get_u64(tb[VUSER_A_AREA_FILE_OFFSET]);
	area->file = fget(nla_get_s32(tb[VUSER_A_AREA_FD]));
	if (!area->file) {
		NL_SET_ERR_MSG_ATTR(extack, tb[VUSER_A_AREA_FD],
				    "not an open file");
		return -EBADF;
	}
	/*
	 * A file of another kind cannot be shown.  Do not keep it: it may be the
	 * server's own socket, whose end would never be seen then.
	 */
	if (!vuser_file_is_memory(area->file)) {
		fput(area->file);
		area->file = NULL;
	}
	return 0;
}

static int vuser_nl_areas(struct vuser_region *region,
			  const struct nlattr *nest,
			  struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	u32 n = 0;
	int rem, ret;

	nla_for_each_nested(attr, nest, rem)
		n += nla_type(attr) == VUSER_A_REGION_AREA;
	if (!n)
		return 0;
	if (n > VUSER_MAX_AREAS) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "too many areas");
		return -E2BIG;
	}
	region->areas = kcalloc(n, sizeof(*region->areas), GFP_KERNEL);
	if (!region->areas)
		return -ENOMEM;
	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) != VUSER_A_REGION_AREA)
			continue;
		ret = vuser_nl_area(&region->areas[region->nr_areas], attr,
				    extack);
		if (ret)
			return ret;
		region->nr_areas++;
	}
	return 0;
}

static int vuser_nl_region(struct vuser_desc *desc, const struct nlattr *nest,
			   unsigned long *seen, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[VUSER_A_REGION_MAX + 1];
	struct vuser_region *region;
	u32 index;
	int ret;

	ret = nla_parse_nested(tb, VUSER_A_REGION_MAX, nest,
			       vuser_region_nl_policy, extack);
	if (ret)
		return ret;
	if (!tb[VUSER_A_REGION_INDEX] || !tb[VUSER_A_REGION_SIZE] ||
	    !tb[VUSER_A_REGION_FLAGS] ||
	    !tb[VUSER_A_REGION_TYPE] != !tb[VUSER_A_REGION_SUBTYPE]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "an attribute of the region is missing");
		return -EINVAL;
	}
	index = nla_get_u32(tb[VUSER_A_REGION_INDEX]);
	if (index >= VUSER_MAX_REGIONS || __test_and_set_bit(index, seen)) {
		NL_SET_ERR_MSG_ATTR(extack, tb[VUSER_A_REGION_INDEX],
				    "region index is too high or given twice");
		return -EINVAL;
	}

	region = &desc->regions[index];
	region->size = nla_get_u64(tb[VUSER_A_REGION_SIZE]);
	region->flags = nla_get_u32(tb[VUSER_A_REGION_FLAGS]);
	region->posted = nla_get_flag(tb[VUSER_A_REGION_POSTED]);
	if (tb[VUSER_A_REGION_TYPE]) {
		region->has_type = true;
		region->type = nla_get_u32(tb[VUSER_A_REGION_TYPE]);
		region->subtype = nla_get_u32(tb[VUSER_A_REGION_SUBTYPE]);
	}
	desc->nr_regions = max(desc->nr_regions, index + 1);
	return vuser_nl_areas(region, nest, extack);
}

/* Allocates the arrays of ioeventfds; @counts has their sizes by region. */
static int vuser_nl_ioeventfds_alloc(struct vuser_desc *desc,
				     const u32 counts[VUSER_MAX_REGIONS],
				     struct netlink_ext_ack *extack)
{
	struct vuser_region *region;
	u32 i;

	for (i = 0; i < VUSER_MAX_REGIONS; i++) {
		region = &desc->regions[i];
		if (!counts[i])
			continue;
		if (counts[i] > VUSER_MAX_IOEVENTFDS) {
			NL_SET_ERR_MSG(extack, "too many ioeventfds");
			return -E2BIG;
		}
		region->ioeventfds = kcalloc(counts[i],
					     sizeof(*region->ioeventfds),
					     GFP_KERNEL);
		if (!region->ioeventfds)
			return -ENOMEM;
	}
	return 0;
}

static int vuser_nl_ioeventfd_parse(struct nlattr **tb,
				    const struct nlattr *nest,
				    struct netlink_ext_ack *extack)
{
	int ret;

	ret = nla_parse_nested(tb, VUSER_A_IOEVENTFD_MAX, nest,
			       vuser_ioeventfd_nl_policy, extack);
	if (ret)
		return ret;
	if (!tb[VUSER_A_IOEVENTFD_REGION] || !tb[VUSER_A_IOEVENTFD_OFFSET] ||
	    !tb[VUSER_A_IOEVENTFD_SIZE] || !tb[VUSER_A_IOEVENTFD_FLAGS] ||
	    !tb[VUSER_A_IOEVENTFD_DATAMATCH] || !tb[VUSER_A_IOEVENTFD_FD]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "an attribute of the ioeventfd is missing");
		return -EINVAL;
	}
	if (nla_get_u32(tb[VUSER_A_IOEVENTFD_REGION]) >= VUSER_MAX_REGIONS) {
		NL_SET_ERR_MSG_ATTR(extack, tb[VUSER_A_IOEVENTFD_REGION],
				    "no such region");
		return -EINVAL;
	}
	return 0;
}

static int vuser_nl_ioeventfd(struct vuser_desc *desc,
			      const struct nlattr *nest,
			      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[VUSER_A_IOEVENTFD_MAX + 1];
	struct vuser_ioeventfd *io;
	struct vuser_region *region;
	int ret;

	ret = vuser_nl_ioeventfd_parse(tb, nest, extack);
	if (ret)
		return ret;
	region = &desc->regions[nla_get_u32(tb[VUSER_A_IOEVENTFD_REGION])];
	io = &region->ioeventfds[region->nr_ioeventfds];
	io->offset = nla_get_u64(tb[VUSER_A_IOEVENTFD_OFFSET]);
	io->size = nla_get_u32(tb[VUSER_A_IOEVENTFD_SIZE]);
	io->flags = nla_get_u32(tb[VUSER_A_IOEVENTFD_FLAGS]);
	io->datamatch = nla_get_u64(tb[VUSER_A_IOEVENTFD_DATAMATCH]);
	io->ctx = eventfd_ctx_fdget(nla_get_s32(tb[VUSER_A_IOEVENTFD_FD]));
	if (IS_ERR(io->ctx)) {
		NL_SET_ERR_MSG_ATTR(extack, tb[VUSER_A_IOEVENTFD_FD],
				    "not an eventfd");
		return PTR_ERR(io->ctx);
	}
	region->nr_ioeventfds++;
	return 0;
}

/* Takes the eventfd that the server signals, if the kernel masks INTx. */
static int vuser_nl_irq_fd(struct vuser_desc *desc, u32 index,
			   const struct nlattr *attr,
			   struct netlink_ext_ack *extack)
{
	struct eventfd_ctx *ctx;

	if (index != VFIO_PCI_INTX_IRQ_INDEX) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "only INTx has an eventfd");
		return -EINVAL;
	}
	desc->intx_file = fget(nla_get_s32(attr));
	if (!desc->intx_file) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "not an open file");
		return -EBADF;
	}
	ctx = eventfd_ctx_fileget(desc->intx_file);
	if (IS_ERR(ctx)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "not an eventfd");
		return PTR_ERR(ctx);
	}
	eventfd_ctx_put(ctx);
	return 0;
}

static int vuser_nl_irq(struct vuser_desc *desc, const struct nlattr *nest,
			unsigned long *seen, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[VUSER_A_IRQ_MAX + 1];
	u32 index;
	int ret;

	ret = nla_parse_nested(tb, VUSER_A_IRQ_MAX, nest, vuser_irq_nl_policy,
			       extack);
	if (ret)
		return ret;
	if (!tb[VUSER_A_IRQ_INDEX] || !tb[VUSER_A_IRQ_FLAGS] ||
	    !tb[VUSER_A_IRQ_COUNT]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "an attribute of the irq is missing");
		return -EINVAL;
	}
	index = nla_get_u32(tb[VUSER_A_IRQ_INDEX]);
	if (index >= VUSER_MAX_IRQ_INDEXES || __test_and_set_bit(index, seen)) {
		NL_SET_ERR_MSG_ATTR(extack, tb[VUSER_A_IRQ_INDEX],
				    "irq index is too high or given twice");
		return -EINVAL;
	}
	desc->irqs[index].index = index;
	desc->irqs[index].flags = nla_get_u32(tb[VUSER_A_IRQ_FLAGS]);
	desc->irqs[index].count = nla_get_u32(tb[VUSER_A_IRQ_COUNT]);
	desc->nr_irqs = max(desc->nr_irqs, index + 1);
	if (tb[VUSER_A_IRQ_FD])
		return vuser_nl_irq_fd(desc, index, tb[VUSER_A_IRQ_FD], extack);
	return 0;
}

static int vuser_nl_config(struct vuser_desc *desc, const struct nlattr *attr,
			   struct netlink_ext_ack *extack)
{
	if (nla_len(attr) > VUSER_CONFIG_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "configuration space is too long");
		return -E2BIG;
	}
	desc->config = nla_memdup(attr, GFP_KERNEL);
	if (!desc->config)
		return -ENOMEM;
	desc->config_size = nla_len(attr);
	return 0;
}

static int vuser_nl_desc_scalars(struct vuser_desc *desc,
				 struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;

	if (GENL_REQ_ATTR_CHECK(info, VUSER_A_DEV_FLAGS) ||
	    GENL_REQ_ATTR_CHECK(info, VUSER_A_DEV_MINOR) ||
	    GENL_REQ_ATTR_CHECK(info, VUSER_A_DEV_MAX_MSG_FDS) ||
	    GENL_REQ_ATTR_CHECK(info, VUSER_A_DEV_MAX_DATA_XFER_SIZE))
		return -EINVAL;
	desc->flags = nla_get_u32(attrs[VUSER_A_DEV_FLAGS]);
	desc->minor = nla_get_u32(attrs[VUSER_A_DEV_MINOR]);
	desc->max_msg_fds = nla_get_u32(attrs[VUSER_A_DEV_MAX_MSG_FDS]);
	desc->max_data_xfer_size =
		nla_get_u32(attrs[VUSER_A_DEV_MAX_DATA_XFER_SIZE]);
	if (attrs[VUSER_A_DEV_SERVER_MAX_DMA_MAPS])
		desc->max_dma_maps =
			nla_get_u32(attrs[VUSER_A_DEV_SERVER_MAX_DMA_MAPS]);
	if (attrs[VUSER_A_DEV_CONFIG])
		return vuser_nl_config(desc, attrs[VUSER_A_DEV_CONFIG],
				       info->extack);
	return 0;
}

/*
 * Parses regions and interrupts, and counts the ioeventfds of each region.  Then
 * allocates the arrays of ioeventfds and parses the ioeventfds.
 */
static int vuser_nl_desc_nests(struct vuser_desc *desc, struct genl_info *info)
{
	DECLARE_BITMAP(regions, VUSER_MAX_REGIONS) = {};
	DECLARE_BITMAP(irqs, VUSER_MAX_IRQ_INDEXES) = {};
	struct nlattr *tb[VUSER_A_IOEVENTFD_MAX + 1];
	u32 counts[VUSER_MAX_REGIONS] = {};
	const struct nlattr *attr;
	int rem, ret = 0;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		switch (nla_type(attr)) {
		case VUSER_A_DEV_REGION:
			ret = vuser_nl_region(desc, attr, regions,
					      info->extack);
			break;
		case VUSER_A_DEV_IRQ:
			ret = vuser_nl_irq(desc, attr, irqs, info->extack);
			break;
		case VUSER_A_DEV_IOEVENTFD:
			ret = vuser_nl_ioeventfd_parse(tb, attr, info->extack);
			if (!ret)
				counts[nla_get_u32(tb[VUSER_A_IOEVENTFD_REGION])]++;
			break;
		}
		if (ret)
			return ret;
	}

	ret = vuser_nl_ioeventfds_alloc(desc, counts, info->extack);
	if (ret)
		return ret;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != VUSER_A_DEV_IOEVENTFD)
			continue;
		ret = vuser_nl_ioeventfd(desc, attr, info->extack);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * vuser_nl_desc_parse() - parse the description of a server's device
 * @info: the dev-attach message; an error is explained in its extack
 *
 * Context: process, the helper's: file descriptors in the message are looked up in
 * the current task's file table.  May sleep.
 * Return: the description with one reference, to be dropped with vuser_desc_put().
 * The description has its own references to all files of memory and to all eventfds.
 * Or an error pointer:
 * -EINVAL or -ERANGE when an attribute is missing, malformed or given twice;
 * -E2BIG when there are too many areas or ioeventfds, or configuration space is too
 * long; -EBADF when a file descriptor is not open; -EINVAL when the file descriptor
 * of an ioeventfd or of INTx is not an eventfd; or -ENOMEM.
 */
struct vuser_desc *vuser_nl_desc_parse(struct genl_info *info)
{
	struct vuser_desc *desc;
	int ret;

	desc = vuser_desc_alloc();
	if (!desc)
		return ERR_PTR(-ENOMEM);
	ret = vuser_nl_desc_scalars(desc, info);
	if (!ret)
		ret = vuser_nl_desc_nests(desc, info);
	if (ret) {
		vuser_desc_put(desc);
		return ERR_PTR(ret);
	}
	return desc;
}
