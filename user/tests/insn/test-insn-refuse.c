// SPDX-License-Identifier: GPL-2.0
/* Instructions that must be refused, and similar ones that must be accepted. */
#include <string.h>

#include "x86/decode.h"
#include "x86/insn.h"
#include "../tap.h"

struct sample {
	const char *name;
	u32 len;
	const char *bytes;
};

#define BYTES(string) (sizeof(string) - 1), string

/* All registers except CX are 0x1000. */
static const struct sample accepted[] = {
	{ "mov [rax], ecx", BYTES("\x89\x08") },
	{ "mov cs:[rax], ecx", BYTES("\x2e\x89\x08") },
	{ "lock add [rax], ecx", BYTES("\xf0\x01\x08") },
	{ "lock inc dword [rax]", BYTES("\xf0\xff\x00") },
	{ "lock bts [rax], ecx", BYTES("\xf0\x0f\xab\x08") },
	{ "lock cmpxchg [rax], ecx", BYTES("\xf0\x0f\xb1\x08") },
	{ "mov [eax], ecx", BYTES("\x67\x89\x08") },
	{ "rep movsb", BYTES("\xf3\xa4") },
	{ "movaps xmm1, [rax]", BYTES("\x0f\x28\x08") },
	{ "movups xmm1, [rax + 8]", BYTES("\x0f\x10\x48\x08") },
	{ "vmovups [rax], xmm1", BYTES("\xc5\xf8\x11\x08") },
	{ "lodsb", BYTES("\xac") },
	{ "scasb", BYTES("\xae") },
	{ "cmpsb", BYTES("\xa6") },
	{ "push [rax]", BYTES("\xff\x30") },
	{ "pop [rax]", BYTES("\x8f\x00") },
	{ "rol dword [rax], 1", BYTES("\xd1\x00") },
	{ "rcr dword [rax], cl", BYTES("\xd3\x18") },
	{ "tzcnt ecx, [rax]", BYTES("\xf3\x0f\xbc\x08") },
	{ "lzcnt ecx, [rax]", BYTES("\xf3\x0f\xbd\x08") },
	{ "mul dword [rax]", BYTES("\xf7\x20") },
	{ "imul dword [rax]", BYTES("\xf7\x28") },
	{ "cmpxchg8b [rax]", BYTES("\x0f\xc7\x08") },
	{ "cmpxchg16b [rax]", BYTES("\x48\x0f\xc7\x08") },
	{ "vmovups [rax], ymm1", BYTES("\xc5\xfc\x11\x08") },
	{ "vmovlps xmm1, xmm2, [rax]", BYTES("\xc5\xe8\x12\x08") },
	{ "vmovups [rax], xmm17 (EVEX)", BYTES("\x62\xe1\x7c\x08\x11\x08") },
	{ "movdir64b rdx, [rax]", BYTES("\x66\x0f\x38\xf8\x10") },
	{ "crc32 ecx, byte [rax]", BYTES("\xf2\x0f\x38\xf0\x08") },
	{ "clflush [rax]", BYTES("\x0f\xae\x38") },
	{ "repne scasb", BYTES("\xf2\xae") },
	{ "vmovdqu8 [rax]{k1}, zmm1", BYTES("\x62\xf1\x7f\x49\x7f\x08") },
	{ "vpaddd zmm1{k1}{z}, zmm2, [rax]{1to16}",
	  BYTES("\x62\xf1\x6d\xd9\xfe\x08") },
	{ "enqcmd rdx, [rax]", BYTES("\xf2\x0f\x38\xf8\x10") },
	{ "fld tbyte [rax]", BYTES("\xdb\x28") },
	{ "fistp qword [rax]", BYTES("\xdf\x38") },
	{ "andn ecx, edx, [rax]", BYTES("\xc4\xe2\x68\xf2\x08") },
	{ "an instruction of fifteen bytes",
	  BYTES("\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e"
		"\xc7\x00\x01\x02\x03\x04") },
};

static const struct sample refused[] = {
	{ "mov fs:[rax], ecx", BYTES("\x64\x89\x08") },
	{ "mov gs:[rax], ecx", BYTES("\x65\x89\x08") },
	{ "mov eax, ecx", BYTES("\x89\xc8") },
	{ "lock mov [rax], ecx", BYTES("\xf0\x89\x08") },
	{ "lock add ecx, [rax]", BYTES("\xf0\x03\x08") },
	{ "lock cmp [rax], ecx", BYTES("\xf0\x39\x08") },
	{ "lock test [rax], ecx", BYTES("\xf0\x85\x08") },
	{ "lock bt [rax], ecx", BYTES("\xf0\x0f\xa3\x08") },
	{ "lock movsb", BYTES("\xf0\xa4") },
	{ "lock stosb", BYTES("\xf0\xaa") },
	{ "lock movups [rax], xmm1", BYTES("\xf0\x0f\x11\x08") },
	{ "xacquire lock add [rax], ecx", BYTES("\xf2\xf0\x01\x08") },
	{ "xrelease mov [rax], ecx", BYTES("\xf3\x89\x08") },
	{ "repne movsb", BYTES("\xf2\xa4") },
	{ "lock rol dword [rax], 1", BYTES("\xf0\xd1\x00") },
	{ "lock pop [rax]", BYTES("\xf0\x8f\x00") },
	{ "enqcmds rdx, [rax], which is privileged,",
	  BYTES("\xf3\x0f\x38\xf8\x10") },
	{ "movdir64b rcx, [rax] to an address that is not aligned",
	  BYTES("\x66\x0f\x38\xf8\x08") },
	{ "cmpxchg16b [rax + 8]", BYTES("\x48\x0f\xc7\x48\x08") },
	{ "pcmpeqb xmm1, [rax + 8]", BYTES("\x66\x0f\x74\x48\x08") },
	{ "vmovdqa ymm1, [rax + 16]", BYTES("\xc5\xfd\x6f\x48\x10") },
	{ "vmovdqu ymm1, [rax] with a second register",
	  BYTES("\xc5\xee\x6f\x08") },
	{ "andn ecx, edx, [rax] of 32 bytes", BYTES("\xc4\xe2\x6c\xf2\x08") },
	{ "vmovdqu8 [rax]{k1}{z}, zmm1", BYTES("\x62\xf1\x7f\xc9\x7f\x08") },
	{ "vmovdqu8 zmm1, [rax] with a broadcast",
	  BYTES("\x62\xf1\x7f\x58\x6f\x08") },
	{ "vmovdqu8 zmm1{z}, [rax] without a mask",
	  BYTES("\x62\xf1\x7f\xc8\x6f\x08") },
	{ "vmovdqu8 [rax] of an invalid length",
	  BYTES("\x62\xf1\x7f\x68\x6f\x08") },
	{ "vaddps ymm1, ymm2, [rax]", BYTES("\xc5\xec\x58\x08") },
	{ "call [rax]", BYTES("\xff\x10") },
	{ "jmp [rax]", BYTES("\xff\x20") },
	{ "lea ecx, [rax]", BYTES("\x8d\x08") },
	{ "lock shl dword [rax], 1", BYTES("\xf0\xd1\x20") },
	{ "div dword [rax]", BYTES("\xf7\x30") },
	{ "mov [rax], ds", BYTES("\x8c\x18") },
	{ "mov ds, [rax]", BYTES("\x8e\x18") },
	{ "fadd dword [rax]", BYTES("\xd8\x00") },
	{ "fiadd dword [rax]", BYTES("\xda\x00") },
	{ "fldenv [rax]", BYTES("\xd9\x20") },
	{ "fnstenv [rax]", BYTES("\xd9\x30") },
	{ "frstor [rax]", BYTES("\xdd\x20") },
	{ "fnsave [rax]", BYTES("\xdd\x30") },
	{ "fbld [rax]", BYTES("\xdf\x20") },
	{ "fbstp [rax]", BYTES("\xdf\x30") },
	{ "fld st(1)", BYTES("\xd9\xc1") },
	{ "lock fst dword [rax]", BYTES("\xf0\xd9\x10") },
	{ "movq mm1, [rax]", BYTES("\x0f\x6f\x08") },
	{ "movaps xmm1, [rax + 8]", BYTES("\x0f\x28\x48\x08") },
	{ "movntdq [rax + 4], xmm1", BYTES("\x66\x0f\xe7\x48\x04") },
	{ "addps xmm1, [rax]", BYTES("\x0f\x58\x08") },
	{ "mov [r16], ecx (REX2)", BYTES("\xd5\x10\x89\x08") },
	{ "fxsave [rax]", BYTES("\x0f\xae\x00") },
	{ "mov [rax], 1 with reg 1", BYTES("\xc6\x08\x01") },
	{ "opcode 82 /0, invalid in 64-bit mode,", BYTES("\x82\x00\x01") },
	{ "an instruction of sixteen bytes",
	  BYTES("\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e"
		"\xc7\x00\x01\x02\x03\x04") },
	{ "a string of fifteen prefixes",
	  BYTES("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66"
		"\x66\x66\x66\x66\x66") },
	{ "an empty buffer", 0, "" },
};

static int decode(const struct sample *sample, u64 cx)
{
	struct vuser_regs regs = { .ip = 0x400000 };
	struct vuser_insn insn;
	u32 i;

	for (i = 0; i < VUSER_NR_GPRS; i++)
		regs.gpr[i] = 0x1000;
	regs.gpr[VUSER_CX] = cx;
	return vuser_decode(&insn, (const u8 *)sample->bytes, sample->len,
			    &regs);
}

int main(void)
{
	static const struct sample rep = { "", BYTES("\xf3\xa4") };
	static const struct sample rep32 = { "", BYTES("\x67\xf3\xa4") };
	size_t i;

	for (i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
		tap_ok(!decode(&accepted[i], 1), "%s is accepted",
		       accepted[i].name);
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		tap_ok(decode(&refused[i], 1) == -EINVAL, "%s is refused",
		       refused[i].name);
	tap_ok(decode(&rep, 0) == -EINVAL,
	       "rep movsb with a count of 0 is refused");
	tap_ok(decode(&rep32, 1ull << 32) == -EINVAL,
	       "rep movsb with a count of 0 in ecx is refused");
	tap_ok(!decode(&rep, 1ull << 32), "rep movsb of 4 GiB is accepted");
	return tap_done();
}
