// SPDX-License-Identifier: GPL-2.0
/* The files of a device's directory in the view of /sys/bus/pci. */
#include <stdio.h>
#include <string.h>

#include "../../vuserctl/view.h"
#include "../tap.h"

static struct vnl_dev dev;

static void put(unsigned int pos, uint32_t value, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		dev.config[pos + i] = value >> 8 * i;
}

/* Set up the I/OAT engine as its server describes it. */
static void setup(void)
{
	memset(&dev, 0, sizeof(dev));
	strcpy(dev.pci_address, "5655:00:01.0");
	dev.whole = true;
	dev.config_size = 256;
	dev.nr_regions = 9;
	put(0x00, 0x8086, 2);
	put(0x02, 0x2021, 2);
	put(0x08, 0x07, 1);
	put(0x09, 0x088000, 3);
	put(0x2c, 0x1af4, 2);
	put(0x2e, 0x0abc, 2);
}

static const char *content(const char *name)
{
	static char text[VIEW_MAX];
	const struct view_file *file;

	for (file = view_files; file->name; file++) {
		if (!strcmp(file->name, name)) {
			memset(text, 'x', sizeof(text));
			file->print(&dev, text, sizeof(text));
			return text;
		}
	}
	return "no such file";
}

/* Check the content of file @name of a device in @state. */
static void check_file(const char *name, const char *state, const char *want)
{
	const char *got = content(name);

	if (!tap_ok(!strcmp(got, want), "file %s of %s", name, state))
		printf("# got:\n# %s# want:\n# %s", got, want);
}

/* Check line @nr of "resource". */
static void check_resource(unsigned int nr, const char *want, const char *what)
{
	const char *text = content("resource");
	char got[128] = "";

	while (nr-- && text)
		text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL;
	if (text)
		snprintf(got, sizeof(got), "%.*s", (int)strcspn(text, "\n"),
			 text);
	if (!tap_ok(!strcmp(got, want), "resource file: %s", what))
		printf("# got: %s\n# want: %s\n", got, want);
}

#define NOTHING "0x0000000000000000 0x0000000000000000 0x0000000000000000"

static void test_ids(void)
{
	check_file("vendor", "a described device", "0x8086\n");
	check_file("device", "a described device", "0x2021\n");
	check_file("subsystem_vendor", "a described device", "0x1af4\n");
	check_file("subsystem_device", "a described device", "0x0abc\n");
	check_file("class", "a described device", "0x088000\n");
	check_file("revision", "a described device", "0x07\n");
	check_file("numa_node", "a described device", "-1\n");
	check_file("modalias", "a described device",
		   "pci:v00008086d00002021sv00001AF4sd00000ABCbc08sc80i00\n");
	check_file(
		"uevent", "a described device",
		"DRIVER=vfio-pci\n"
		"PCI_CLASS=88000\n"
		"PCI_ID=8086:2021\n"
		"PCI_SUBSYS_ID=1AF4:0ABC\n"
		"PCI_SLOT_NAME=5655:00:01.0\n"
		"MODALIAS=pci:v00008086d00002021sv00001AF4sd00000ABCbc08sc80i00\n");
}

static void test_resources(void)
{
	unsigned int lines = 0;
	const char *text;

	/* 64 bits, prefetchable, without an address. */
	put(0x10, 0xc, 4);
	dev.regions[0].size = 0x4000;
	/* 32 bits with an address. */
	put(0x18, 0xfebf0000, 4);
	dev.regions[2].size = 0x1000;
	/* I/O ports. */
	put(0x1c, 0xc001, 4);
	dev.regions[3].size = 0x20;
	/* 64 bits, without an address, not a power of two. */
	put(0x20, 0x4, 4);
	dev.regions[4].size = 0x180000;
	dev.regions[6].size = 0x10000;

	check_resource(
		0, "0x0000565500000000 0x0000565500003fff 0x000000000014220c",
		"prefetchable 64-bit memory without an address gets one");
	check_resource(1, NOTHING, "the upper half of a 64-bit BAR is empty");
	check_resource(
		2, "0x00000000febf0000 0x00000000febf0fff 0x0000000000040200",
		"32-bit memory keeps its address");
	check_resource(
		3, "0x000000000000c000 0x000000000000c01f 0x0000000000040101",
		"I/O ports keep their address");
	check_resource(
		4, "0x0000565500200000 0x000056550037ffff 0x0000000000140204",
		"the next assigned address is aligned and not reused");
	check_resource(5, NOTHING,
		       "the upper half of the second 64-bit BAR is empty");
	check_resource(
		6, "0x0000565500400000 0x000056550040ffff 0x0000000000046200",
		"the expansion ROM gets an address");
	for (text = content("resource"); *text; text++)
		lines += *text == '\n';
	tap_ok(lines == VIEW_NR_RESOURCES,
	       "resource file: has one line for each resource");
}

/* Set an address in both halves of a BAR. */
static void test_high_address(void)
{
	put(0x10, 0x80000004, 4);
	put(0x14, 0x00000012, 4);
	dev.regions[0].size = 0x1000;
	check_resource(
		0, "0x0000001280000000 0x0000001280000fff 0x0000000000140204",
		"an address above 4 GiB is kept");
}

static void test_possible(void)
{
	tap_ok(view_possible(&dev), "a described device can be shown");
	dev.config_size = 63;
	tap_ok(!view_possible(&dev),
	       "a device without a complete header cannot be shown");
	check_file("subsystem_device",
		   "a device with 63 bytes of configuration space", "0x0abc\n");
	dev.config_size = 0;
	check_file("vendor", "a device without configuration space",
		   "0x0000\n");
	dev.config_size = 256;
	dev.whole = false;
	tap_ok(!view_possible(&dev),
	       "a device without a description cannot be shown");
}

int main(void)
{
	setup();
	test_ids();
	test_resources();
	setup();
	test_high_address();
	setup();
	test_possible();
	return tap_done();
}
