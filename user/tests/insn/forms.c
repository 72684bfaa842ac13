// SPDX-License-Identifier: GPL-2.0
/* Combine prefixes, opcodes and ModRM bytes. */
#include <string.h>

#include "forms.h"

/* Prefixes; all except the last two are in an order that processors accept. */
const char *const form_prefixes[] = { "",	  "\x66",	  "\x67",
				      "\x66\x67", "\xf0",	  "\xf0\x66",
				      "\xf0\x67", "\xf3",	  "\x67\xf3",
				      "\x66\xf3", "\x66\x67\xf3", "\xf3\xf0",
				      "\xf2",	  "\x66\xf2",	  "\x2e",
				      "\x3e\x66", "\x64",	  "\x65\x66",
				      "\xf2\xf3", "\x48\x66",	  NULL };

static const char *const maps[] = { "", "\x0f", "\x0f\x38", "\x0f\x3a" };
#define NR_MAPS (sizeof(maps) / sizeof(maps[0]))

static u64 state;

void form_seed(u64 seed)
{
	state = seed;
}

/* splitmix64: each run gets the same numbers. */
u64 form_random(void)
{
	u64 z = state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

void form_fill(u8 *bytes, u32 size)
{
	u32 part;
	u64 word;

	for (; size; size -= part, bytes += part) {
		word = form_random();
		part = size < sizeof(word) ? size : sizeof(word);
		memcpy(bytes, &word, part);
	}
}

static u32 append(struct form *form, u32 at, const char *bytes)
{
	while (*bytes)
		form->bytes[at++] = (u8)*bytes++;
	return at;
}

/* Try each ModRM byte; the bytes after it, including SIB, are random. */
static void sweep_modrm(struct form *form, u32 at,
			void (*use)(struct form *form))
{
	u32 modrm;

	form->modrm = at;
	for (modrm = 0; modrm < 256; modrm++) {
		form_fill(form->bytes + at + 1, sizeof(form->bytes) - at - 1);
		form->bytes[at] = (u8)modrm;
		use(form);
	}
}

static void sweep_opcodes(struct form *form, u32 at,
			  void (*use)(struct form *form))
{
	u32 map, opcode, next;

	for (map = 0; map < NR_MAPS; map++) {
		next = append(form, at, maps[map]);
		for (opcode = 0; opcode < 256; opcode++) {
			form->bytes[next] = (u8)opcode;
			sweep_modrm(form, next + 1, use);
		}
	}
}

/* @rexes: the REX prefixes to try, 0 for none. */
void form_sweep(const u8 *rexes, u32 nr_rexes, void (*use)(struct form *form))
{
	struct form form;
	u32 i, j, at;

	for (i = 0; form_prefixes[i]; i++) {
		form.prefix = form_prefixes[i];
		at = append(&form, 0, form.prefix);
		for (j = 0; j < nr_rexes; j++) {
			form.rex = rexes[j];
			form.bytes[at] = form.rex;
			sweep_opcodes(&form, at + !!form.rex, use);
		}
	}
}

static void sweep_vex2(u32 last, void (*use)(struct form *form))
{
	struct form form = { .prefix = last & 1 ? "\x67" : "" };
	u32 opcode, at = append(&form, 0, form.prefix);

	form.bytes[at] = 0xc5;
	form.bytes[at + 1] = (u8)last;
	for (opcode = 0; opcode < 256; opcode++) {
		form.bytes[at + 2] = (u8)opcode;
		sweep_modrm(&form, at + 3, use);
	}
}

static void sweep_vex3(u8 rxb, u32 map, u32 last,
		       void (*use)(struct form *form))
{
	struct form form = { .prefix = "", .rex = (u8)~rxb >> 5, .modrm = 4 };
	u32 opcode, tries;

	form.bytes[0] = 0xc4;
	form.bytes[1] = rxb | (u8)map;
	form.bytes[2] = (u8)last;
	for (opcode = 0; opcode < 256; opcode++) {
		form.bytes[3] = (u8)opcode;
		for (tries = 0; tries < (map >= 1 && map <= 3 ? 16 : 2);
		     tries++) {
			form_fill(form.bytes + 4, sizeof(form.bytes) - 4);
			use(&form);
		}
	}
}

/*
 * Try two-byte VEX, with and without an address size prefix, and three-byte
 * VEX.
 */
void form_sweep_vex(void (*use)(struct form *form))
{
	static const u8 rxb[] = { 0xe0, 0x60, 0xa0, 0xc0, 0x00, 0x80 };
	u32 last, map, i;

	for (last = 0; last < 256; last++)
		sweep_vex2(last, use);

	/* all second sources without W, and two of them with it */
	for (last = 0; last < 256; last++)
		for (map = 0; map < 5; map++)
			for (i = 0; i < sizeof(rxb); i++)
				if (last % 3 == i % 3 || (last & 0x78) == 0x78)
					sweep_vex3(rxb[i], map, last, use);
}

/*
 * Fill a form with an EVEX prefix and an opcode; the other bits of the prefix and
 * the bytes after the opcode are random.
 */
static void fill_evex(struct form *form, u32 map, u32 pp_w, u32 opcode, u32 try)
{
	u8 random[4];

	form_fill(form->bytes, sizeof(form->bytes));
	form_fill(random, sizeof(random));
	form->bytes[0] = 0x62;
	form->bytes[1] &= 0xf0;
	form->bytes[1] |= (u8)map;
	/* every other form has one source */
	if (try & 1)
		random[0] = 0x78;
	form->bytes[2] =
		(u8)((random[0] & 0x78) | 4 | (pp_w & 3) | (pp_w & 4) << 5);
	if (try & 1)
		form->bytes[3] |= 8;
	/* and every fourth has no mask */
	if (!(try & 6))
		form->bytes[3] &= 0x78;
	form->bytes[4] = (u8)opcode;
	form->rex = (u8)~form->bytes[1] >> 5;
}

static void sweep_evex(u32 map, u32 pp_w, void (*use)(struct form *form))
{
	struct form form = { .prefix = "", .modrm = 5 };
	u32 tries = map >= 1 && map <= 3 ? 1200 : 20;
	u32 opcode, try;

	for (opcode = 0; opcode < 256; opcode++) {
		for (try = 0; try < tries; try++) {
			fill_evex(&form, map, pp_w, opcode, try);
			use(&form);
		}
	}
}

/*
 * Try each opcode with each prefix and W in EVEX: often in the maps 0F, 0F 38 and
 * 0F 3A, and a few times in the others.
 */
void form_sweep_evex(void (*use)(struct form *form))
{
	u32 map, pp_w;

	for (map = 0; map < 8; map++)
		for (pp_w = 0; pp_w < 8; pp_w++)
			sweep_evex(map, pp_w, use);
}
