// SPDX-License-Identifier: GPL-2.0
/* The decoder's reference: compare its results with those of Zydis. */
#include <string.h>

#include "reference.h"

static ZydisDecoder decoder;

void reference_init(void)
{
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
}

const struct supported_insn supported[NR_SUPPORTED] = {
	{ ZYDIS_MNEMONIC_ADD, VUSER_INSN_ADD, 0 },
	{ ZYDIS_MNEMONIC_OR, VUSER_INSN_OR, 0 },
	{ ZYDIS_MNEMONIC_ADC, VUSER_INSN_ADC, 0 },
	{ ZYDIS_MNEMONIC_SBB, VUSER_INSN_SBB, 0 },
	{ ZYDIS_MNEMONIC_AND, VUSER_INSN_AND, 0 },
	{ ZYDIS_MNEMONIC_SUB, VUSER_INSN_SUB, 0 },
	{ ZYDIS_MNEMONIC_XOR, VUSER_INSN_XOR, 0 },
	{ ZYDIS_MNEMONIC_CMP, VUSER_INSN_CMP, 0 },
	{ ZYDIS_MNEMONIC_TEST, VUSER_INSN_TEST, 0 },
	{ ZYDIS_MNEMONIC_MOV, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_MOVZX, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_MOVSX, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_MOVSXD, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_MOVNTI, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_MOVDIRI, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_MOVBE, VUSER_INSN_MOVBE, 0 },
	{ ZYDIS_MNEMONIC_INC, VUSER_INSN_INC, 0 },
	{ ZYDIS_MNEMONIC_DEC, VUSER_INSN_DEC, 0 },
	{ ZYDIS_MNEMONIC_NOT, VUSER_INSN_NOT, 0 },
	{ ZYDIS_MNEMONIC_NEG, VUSER_INSN_NEG, 0 },
	{ ZYDIS_MNEMONIC_BT, VUSER_INSN_BT, 0 },
	{ ZYDIS_MNEMONIC_BTS, VUSER_INSN_BTS, 0 },
	{ ZYDIS_MNEMONIC_BTR, VUSER_INSN_BTR, 0 },
	{ ZYDIS_MNEMONIC_BTC, VUSER_INSN_BTC, 0 },
	{ ZYDIS_MNEMONIC_POPCNT, VUSER_INSN_POPCNT, 0 },
	{ ZYDIS_MNEMONIC_XCHG, VUSER_INSN_XCHG, 0 },
	{ ZYDIS_MNEMONIC_XADD, VUSER_INSN_XADD, 0 },
	{ ZYDIS_MNEMONIC_CMPXCHG, VUSER_INSN_CMPXCHG, 0 },
	{ ZYDIS_MNEMONIC_SHL, VUSER_INSN_SHL, 0 },
	{ ZYDIS_MNEMONIC_SHR, VUSER_INSN_SHR, 0 },
	{ ZYDIS_MNEMONIC_SAR, VUSER_INSN_SAR, 0 },
	{ ZYDIS_MNEMONIC_IMUL, VUSER_INSN_IMUL, 0 },
	{ ZYDIS_MNEMONIC_BSF, VUSER_INSN_BSF, 0 },
	{ ZYDIS_MNEMONIC_BSR, VUSER_INSN_BSR, 0 },
	{ ZYDIS_MNEMONIC_SETO, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETNO, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETB, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETNB, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETZ, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETNZ, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETBE, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETNBE, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETS, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETNS, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETP, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETNP, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETL, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETNL, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETLE, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_SETNLE, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_MOVSB, VUSER_INSN_MOVS, 0 },
	{ ZYDIS_MNEMONIC_MOVSW, VUSER_INSN_MOVS, 0 },
	{ ZYDIS_MNEMONIC_MOVSD, VUSER_INSN_MOVS, 0 },
	{ ZYDIS_MNEMONIC_MOVSQ, VUSER_INSN_MOVS, 0 },
	{ ZYDIS_MNEMONIC_STOSB, VUSER_INSN_STOS, 0 },
	{ ZYDIS_MNEMONIC_STOSW, VUSER_INSN_STOS, 0 },
	{ ZYDIS_MNEMONIC_STOSD, VUSER_INSN_STOS, 0 },
	{ ZYDIS_MNEMONIC_STOSQ, VUSER_INSN_STOS, 0 },
	{ ZYDIS_MNEMONIC_ROL, VUSER_INSN_ROL, 0 },
	{ ZYDIS_MNEMONIC_ROR, VUSER_INSN_ROR, 0 },
	{ ZYDIS_MNEMONIC_RCL, VUSER_INSN_RCL, 0 },
	{ ZYDIS_MNEMONIC_RCR, VUSER_INSN_RCR, 0 },
	{ ZYDIS_MNEMONIC_SHLD, VUSER_INSN_SHLD, 0 },
	{ ZYDIS_MNEMONIC_SHRD, VUSER_INSN_SHRD, 0 },
	{ ZYDIS_MNEMONIC_MUL, VUSER_INSN_MUL_WIDE, 0 },
	{ ZYDIS_MNEMONIC_TZCNT, VUSER_INSN_TZCNT, 0 },
	{ ZYDIS_MNEMONIC_LZCNT, VUSER_INSN_LZCNT, 0 },
	{ ZYDIS_MNEMONIC_CMOVO, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVNO, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVB, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVNB, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVZ, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVNZ, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVBE, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVNBE, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVS, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVNS, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVP, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVNP, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVL, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVNL, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVLE, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CMOVNLE, VUSER_INSN_CMOV, 0 },
	{ ZYDIS_MNEMONIC_CRC32, VUSER_INSN_CRC32, 0 },
	{ ZYDIS_MNEMONIC_ADCX, VUSER_INSN_ADCX, 0 },
	{ ZYDIS_MNEMONIC_ADOX, VUSER_INSN_ADOX, 0 },
	{ ZYDIS_MNEMONIC_ANDN, VUSER_INSN_ANDN, 0 },
	{ ZYDIS_MNEMONIC_BEXTR, VUSER_INSN_BEXTR, 0 },
	{ ZYDIS_MNEMONIC_BLSR, VUSER_INSN_BLSR, 0 },
	{ ZYDIS_MNEMONIC_BLSMSK, VUSER_INSN_BLSMSK, 0 },
	{ ZYDIS_MNEMONIC_BLSI, VUSER_INSN_BLSI, 0 },
	{ ZYDIS_MNEMONIC_BZHI, VUSER_INSN_BZHI, 0 },
	{ ZYDIS_MNEMONIC_PDEP, VUSER_INSN_PDEP, 0 },
	{ ZYDIS_MNEMONIC_PEXT, VUSER_INSN_PEXT, 0 },
	{ ZYDIS_MNEMONIC_MULX, VUSER_INSN_MULX, 0 },
	{ ZYDIS_MNEMONIC_RORX, VUSER_INSN_RORX, 0 },
	{ ZYDIS_MNEMONIC_SARX, VUSER_INSN_SARX, 0 },
	{ ZYDIS_MNEMONIC_SHLX, VUSER_INSN_SHLX, 0 },
	{ ZYDIS_MNEMONIC_SHRX, VUSER_INSN_SHRX, 0 },
	{ ZYDIS_MNEMONIC_PUSH, VUSER_INSN_PUSH, 0 },
	{ ZYDIS_MNEMONIC_POP, VUSER_INSN_POP, 0 },
	{ ZYDIS_MNEMONIC_MOVDIR64B, VUSER_INSN_MOVDIR64B, 0 },
	{ ZYDIS_MNEMONIC_ENQCMD, VUSER_INSN_ENQCMD, 0 },
	{ ZYDIS_MNEMONIC_XLAT, VUSER_INSN_MOV, 0 },
	{ ZYDIS_MNEMONIC_CMPXCHG8B, VUSER_INSN_CMPXCHG_PAIR, 0 },
	{ ZYDIS_MNEMONIC_CMPXCHG16B, VUSER_INSN_CMPXCHG_PAIR, 0 },
	{ ZYDIS_MNEMONIC_LODSB, VUSER_INSN_LODS, 0 },
	{ ZYDIS_MNEMONIC_SCASB, VUSER_INSN_SCAS, 0 },
	{ ZYDIS_MNEMONIC_CMPSB, VUSER_INSN_CMPS, 0 },
	{ ZYDIS_MNEMONIC_LODSW, VUSER_INSN_LODS, 0 },
	{ ZYDIS_MNEMONIC_SCASW, VUSER_INSN_SCAS, 0 },
	{ ZYDIS_MNEMONIC_CMPSW, VUSER_INSN_CMPS, 0 },
	{ ZYDIS_MNEMONIC_LODSD, VUSER_INSN_LODS, 0 },
	{ ZYDIS_MNEMONIC_SCASD, VUSER_INSN_SCAS, 0 },
	{ ZYDIS_MNEMONIC_CMPSD, VUSER_INSN_CMPS, 0 },
	{ ZYDIS_MNEMONIC_LODSQ, VUSER_INSN_LODS, 0 },
	{ ZYDIS_MNEMONIC_SCASQ, VUSER_INSN_SCAS, 0 },
	{ ZYDIS_MNEMONIC_CMPSQ, VUSER_INSN_CMPS, 0 },
	{ ZYDIS_MNEMONIC_CLFLUSH, VUSER_INSN_NOP, 0 },
	{ ZYDIS_MNEMONIC_CLFLUSHOPT, VUSER_INSN_NOP, 0 },
	{ ZYDIS_MNEMONIC_CLWB, VUSER_INSN_NOP, 0 },
	{ ZYDIS_MNEMONIC_PREFETCH, VUSER_INSN_NOP, 0 },
	{ ZYDIS_MNEMONIC_PREFETCHW, VUSER_INSN_NOP, 0 },
	{ ZYDIS_MNEMONIC_PREFETCHNTA, VUSER_INSN_NOP, 0 },
	{ ZYDIS_MNEMONIC_PREFETCHT0, VUSER_INSN_NOP, 0 },
	{ ZYDIS_MNEMONIC_PREFETCHT1, VUSER_INSN_NOP, 0 },
	{ ZYDIS_MNEMONIC_PREFETCHT2, VUSER_INSN_NOP, 0 },
	{ ZYDIS_MNEMONIC_PREFETCHWT1, VUSER_INSN_NOP, 0 },
	{ ZYDIS_MNEMONIC_FLD, VUSER_INSN_X87, 0 },
	{ ZYDIS_MNEMONIC_FILD, VUSER_INSN_X87, 0 },
	{ ZYDIS_MNEMONIC_FLDCW, VUSER_INSN_X87, 0 },
	{ ZYDIS_MNEMONIC_FST, VUSER_INSN_X87, 0 },
	{ ZYDIS_MNEMONIC_FSTP, VUSER_INSN_X87, 0 },
	{ ZYDIS_MNEMONIC_FIST, VUSER_INSN_X87, 0 },
	{ ZYDIS_MNEMONIC_FISTP, VUSER_INSN_X87, 0 },
	{ ZYDIS_MNEMONIC_FISTTP, VUSER_INSN_X87, 0 },
	{ ZYDIS_MNEMONIC_FNSTCW, VUSER_INSN_X87, 0 },
	{ ZYDIS_MNEMONIC_FNSTSW, VUSER_INSN_X87, 0 },
	{ ZYDIS_MNEMONIC_MOVSD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVSS, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVUPS, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVUPD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVAPS, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVAPD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVDQA, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVDQU, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVNTPS, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVNTPD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVNTDQ, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVNTDQA, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_LDDQU, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVQ, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVSD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVSS, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVUPS, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVUPD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVAPS, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVAPD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVDQA, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVDQU, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVDQA32, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVDQA64, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVDQU8, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVDQU16, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVDQU32, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVDQU64, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVNTPS, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVNTPD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVNTDQ, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVNTDQA, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VLDDQU, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VMOVQ, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VEXTRACTF128, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VEXTRACTI128, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VEXTRACTF32X4, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VEXTRACTF64X2, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VEXTRACTF32X8, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VEXTRACTF64X4, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VEXTRACTI32X4, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VEXTRACTI64X2, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VEXTRACTI32X8, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VEXTRACTI64X4, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_PEXTRB, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_PEXTRW, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_PEXTRD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_PEXTRQ, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_EXTRACTPS, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VPEXTRB, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VPEXTRW, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VPEXTRD, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VPEXTRQ, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_VEXTRACTPS, VUSER_INSN_VEC, VUSER_VEC_MOVE },
	{ ZYDIS_MNEMONIC_MOVLPS, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_MOVLPD, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_MOVHPS, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_MOVHPD, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VMOVLPS, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VMOVLPD, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VMOVHPS, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VMOVHPD, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VINSERTF128, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VINSERTI128, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VINSERTF32X4, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VINSERTF64X2, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VINSERTF32X8, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VINSERTF64X4, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VINSERTI32X4, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VINSERTI64X2, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VINSERTI32X8, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VINSERTI64X4, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_PINSRB, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_PINSRW, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_PINSRD, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_PINSRQ, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VPINSRB, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VPINSRW, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VPINSRD, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VPINSRQ, VUSER_INSN_VEC, VUSER_VEC_INSERT },
	{ ZYDIS_MNEMONIC_VBROADCASTSS, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTSD, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTF128, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTI128, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTF32X2, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTF32X4, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTF64X2, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTF32X8, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTF64X4, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTI32X2, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTI32X4, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTI64X2, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTI32X8, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VBROADCASTI64X4, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VPBROADCASTB, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VPBROADCASTW, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VPBROADCASTD, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VPBROADCASTQ, VUSER_INSN_VEC, VUSER_VEC_BROADCAST },
	{ ZYDIS_MNEMONIC_VMASKMOVPS, VUSER_INSN_VEC, VUSER_VEC_MASKMOV },
	{ ZYDIS_MNEMONIC_VMASKMOVPD, VUSER_INSN_VEC, VUSER_VEC_MASKMOV },
	{ ZYDIS_MNEMONIC_VPMASKMOVD, VUSER_INSN_VEC, VUSER_VEC_MASKMOV },
	{ ZYDIS_MNEMONIC_VPMASKMOVQ, VUSER_INSN_VEC, VUSER_VEC_MASKMOV },
	{ ZYDIS_MNEMONIC_PTEST, VUSER_INSN_VEC, VUSER_VEC_TEST },
	{ ZYDIS_MNEMONIC_VPTEST, VUSER_INSN_VEC, VUSER_VEC_TEST },
	{ ZYDIS_MNEMONIC_PAND, VUSER_INSN_VEC, VUSER_VEC_AND },
	{ ZYDIS_MNEMONIC_VPAND, VUSER_INSN_VEC, VUSER_VEC_AND },
	{ ZYDIS_MNEMONIC_VPANDD, VUSER_INSN_VEC, VUSER_VEC_AND },
	{ ZYDIS_MNEMONIC_VPANDQ, VUSER_INSN_VEC, VUSER_VEC_AND },
	{ ZYDIS_MNEMONIC_ANDPS, VUSER_INSN_VEC, VUSER_VEC_AND },
	{ ZYDIS_MNEMONIC_ANDPD, VUSER_INSN_VEC, VUSER_VEC_AND },
	{ ZYDIS_MNEMONIC_VANDPS, VUSER_INSN_VEC, VUSER_VEC_AND },
	{ ZYDIS_MNEMONIC_VANDPD, VUSER_INSN_VEC, VUSER_VEC_AND },
	{ ZYDIS_MNEMONIC_PANDN, VUSER_INSN_VEC, VUSER_VEC_ANDN },
	{ ZYDIS_MNEMONIC_VPANDN, VUSER_INSN_VEC, VUSER_VEC_ANDN },
	{ ZYDIS_MNEMONIC_VPANDND, VUSER_INSN_VEC, VUSER_VEC_ANDN },
	{ ZYDIS_MNEMONIC_VPANDNQ, VUSER_INSN_VEC, VUSER_VEC_ANDN },
	{ ZYDIS_MNEMONIC_ANDNPS, VUSER_INSN_VEC, VUSER_VEC_ANDN },
	{ ZYDIS_MNEMONIC_ANDNPD, VUSER_INSN_VEC, VUSER_VEC_ANDN },
	{ ZYDIS_MNEMONIC_VANDNPS, VUSER_INSN_VEC, VUSER_VEC_ANDN },
	{ ZYDIS_MNEMONIC_VANDNPD, VUSER_INSN_VEC, VUSER_VEC_ANDN },
	{ ZYDIS_MNEMONIC_POR, VUSER_INSN_VEC, VUSER_VEC_OR },
	{ ZYDIS_MNEMONIC_VPOR, VUSER_INSN_VEC, VUSER_VEC_OR },
	{ ZYDIS_MNEMONIC_VPORD, VUSER_INSN_VEC, VUSER_VEC_OR },
	{ ZYDIS_MNEMONIC_VPORQ, VUSER_INSN_VEC, VUSER_VEC_OR },
	{ ZYDIS_MNEMONIC_ORPS, VUSER_INSN_VEC, VUSER_VEC_OR },
	{ ZYDIS_MNEMONIC_ORPD, VUSER_INSN_VEC, VUSER_VEC_OR },
	{ ZYDIS_MNEMONIC_VORPS, VUSER_INSN_VEC, VUSER_VEC_OR },
	{ ZYDIS_MNEMONIC_VORPD, VUSER_INSN_VEC, VUSER_VEC_OR },
	{ ZYDIS_MNEMONIC_PXOR, VUSER_INSN_VEC, VUSER_VEC_XOR },
	{ ZYDIS_MNEMONIC_VPXOR, VUSER_INSN_VEC, VUSER_VEC_XOR },
	{ ZYDIS_MNEMONIC_VPXORD, VUSER_INSN_VEC, VUSER_VEC_XOR },
	{ ZYDIS_MNEMONIC_VPXORQ, VUSER_INSN_VEC, VUSER_VEC_XOR },
	{ ZYDIS_MNEMONIC_XORPS, VUSER_INSN_VEC, VUSER_VEC_XOR },
	{ ZYDIS_MNEMONIC_XORPD, VUSER_INSN_VEC, VUSER_VEC_XOR },
	{ ZYDIS_MNEMONIC_VXORPS, VUSER_INSN_VEC, VUSER_VEC_XOR },
	{ ZYDIS_MNEMONIC_VXORPD, VUSER_INSN_VEC, VUSER_VEC_XOR },
	{ ZYDIS_MNEMONIC_PADDB, VUSER_INSN_VEC, VUSER_VEC_ADD },
	{ ZYDIS_MNEMONIC_VPADDB, VUSER_INSN_VEC, VUSER_VEC_ADD },
	{ ZYDIS_MNEMONIC_PADDW, VUSER_INSN_VEC, VUSER_VEC_ADD },
	{ ZYDIS_MNEMONIC_VPADDW, VUSER_INSN_VEC, VUSER_VEC_ADD },
	{ ZYDIS_MNEMONIC_PADDD, VUSER_INSN_VEC, VUSER_VEC_ADD },
	{ ZYDIS_MNEMONIC_VPADDD, VUSER_INSN_VEC, VUSER_VEC_ADD },
	{ ZYDIS_MNEMONIC_PADDQ, VUSER_INSN_VEC, VUSER_VEC_ADD },
	{ ZYDIS_MNEMONIC_VPADDQ, VUSER_INSN_VEC, VUSER_VEC_ADD },
	{ ZYDIS_MNEMONIC_PSUBB, VUSER_INSN_VEC, VUSER_VEC_SUB },
	{ ZYDIS_MNEMONIC_VPSUBB, VUSER_INSN_VEC, VUSER_VEC_SUB },
	{ ZYDIS_MNEMONIC_PSUBW, VUSER_INSN_VEC, VUSER_VEC_SUB },
	{ ZYDIS_MNEMONIC_VPSUBW, VUSER_INSN_VEC, VUSER_VEC_SUB },
	{ ZYDIS_MNEMONIC_PSUBD, VUSER_INSN_VEC, VUSER_VEC_SUB },
	{ ZYDIS_MNEMONIC_VPSUBD, VUSER_INSN_VEC, VUSER_VEC_SUB },
	{ ZYDIS_MNEMONIC_PSUBQ, VUSER_INSN_VEC, VUSER_VEC_SUB },
	{ ZYDIS_MNEMONIC_VPSUBQ, VUSER_INSN_VEC, VUSER_VEC_SUB },
	{ ZYDIS_MNEMONIC_PADDUSB, VUSER_INSN_VEC, VUSER_VEC_ADDUS },
	{ ZYDIS_MNEMONIC_VPADDUSB, VUSER_INSN_VEC, VUSER_VEC_ADDUS },
	{ ZYDIS_MNEMONIC_PADDUSW, VUSER_INSN_VEC, VUSER_VEC_ADDUS },
	{ ZYDIS_MNEMONIC_VPADDUSW, VUSER_INSN_VEC, VUSER_VEC_ADDUS },
	{ ZYDIS_MNEMONIC_PSUBUSB, VUSER_INSN_VEC, VUSER_VEC_SUBUS },
	{ ZYDIS_MNEMONIC_VPSUBUSB, VUSER_INSN_VEC, VUSER_VEC_SUBUS },
	{ ZYDIS_MNEMONIC_PSUBUSW, VUSER_INSN_VEC, VUSER_VEC_SUBUS },
	{ ZYDIS_MNEMONIC_VPSUBUSW, VUSER_INSN_VEC, VUSER_VEC_SUBUS },
	{ ZYDIS_MNEMONIC_PMINUB, VUSER_INSN_VEC, VUSER_VEC_MINU },
	{ ZYDIS_MNEMONIC_VPMINUB, VUSER_INSN_VEC, VUSER_VEC_MINU },
	{ ZYDIS_MNEMONIC_PMINUW, VUSER_INSN_VEC, VUSER_VEC_MINU },
	{ ZYDIS_MNEMONIC_VPMINUW, VUSER_INSN_VEC, VUSER_VEC_MINU },
	{ ZYDIS_MNEMONIC_PMINUD, VUSER_INSN_VEC, VUSER_VEC_MINU },
	{ ZYDIS_MNEMONIC_VPMINUD, VUSER_INSN_VEC, VUSER_VEC_MINU },
	{ ZYDIS_MNEMONIC_VPMINUQ, VUSER_INSN_VEC, VUSER_VEC_MINU },
	{ ZYDIS_MNEMONIC_PMAXUB, VUSER_INSN_VEC, VUSER_VEC_MAXU },
	{ ZYDIS_MNEMONIC_VPMAXUB, VUSER_INSN_VEC, VUSER_VEC_MAXU },
	{ ZYDIS_MNEMONIC_PMAXUW, VUSER_INSN_VEC, VUSER_VEC_MAXU },
	{ ZYDIS_MNEMONIC_VPMAXUW, VUSER_INSN_VEC, VUSER_VEC_MAXU },
	{ ZYDIS_MNEMONIC_PMAXUD, VUSER_INSN_VEC, VUSER_VEC_MAXU },
	{ ZYDIS_MNEMONIC_VPMAXUD, VUSER_INSN_VEC, VUSER_VEC_MAXU },
	{ ZYDIS_MNEMONIC_VPMAXUQ, VUSER_INSN_VEC, VUSER_VEC_MAXU },
	{ ZYDIS_MNEMONIC_PMINSB, VUSER_INSN_VEC, VUSER_VEC_MINS },
	{ ZYDIS_MNEMONIC_VPMINSB, VUSER_INSN_VEC, VUSER_VEC_MINS },
	{ ZYDIS_MNEMONIC_PMINSW, VUSER_INSN_VEC, VUSER_VEC_MINS },
	{ ZYDIS_MNEMONIC_VPMINSW, VUSER_INSN_VEC, VUSER_VEC_MINS },
	{ ZYDIS_MNEMONIC_PMINSD, VUSER_INSN_VEC, VUSER_VEC_MINS },
	{ ZYDIS_MNEMONIC_VPMINSD, VUSER_INSN_VEC, VUSER_VEC_MINS },
	{ ZYDIS_MNEMONIC_VPMINSQ, VUSER_INSN_VEC, VUSER_VEC_MINS },
	{ ZYDIS_MNEMONIC_PMAXSB, VUSER_INSN_VEC, VUSER_VEC_MAXS },
	{ ZYDIS_MNEMONIC_VPMAXSB, VUSER_INSN_VEC, VUSER_VEC_MAXS },
	{ ZYDIS_MNEMONIC_PMAXSW, VUSER_INSN_VEC, VUSER_VEC_MAXS },
	{ ZYDIS_MNEMONIC_VPMAXSW, VUSER_INSN_VEC, VUSER_VEC_MAXS },
	{ ZYDIS_MNEMONIC_PMAXSD, VUSER_INSN_VEC, VUSER_VEC_MAXS },
	{ ZYDIS_MNEMONIC_VPMAXSD, VUSER_INSN_VEC, VUSER_VEC_MAXS },
	{ ZYDIS_MNEMONIC_VPMAXSQ, VUSER_INSN_VEC, VUSER_VEC_MAXS },
	{ ZYDIS_MNEMONIC_PCMPEQB, VUSER_INSN_VEC, VUSER_VEC_CMPEQ },
	{ ZYDIS_MNEMONIC_VPCMPEQB, VUSER_INSN_VEC, VUSER_VEC_CMPEQ },
	{ ZYDIS_MNEMONIC_PCMPEQW, VUSER_INSN_VEC, VUSER_VEC_CMPEQ },
	{ ZYDIS_MNEMONIC_VPCMPEQW, VUSER_INSN_VEC, VUSER_VEC_CMPEQ },
	{ ZYDIS_MNEMONIC_PCMPEQD, VUSER_INSN_VEC, VUSER_VEC_CMPEQ },
	{ ZYDIS_MNEMONIC_VPCMPEQD, VUSER_INSN_VEC, VUSER_VEC_CMPEQ },
	{ ZYDIS_MNEMONIC_PCMPEQQ, VUSER_INSN_VEC, VUSER_VEC_CMPEQ },
	{ ZYDIS_MNEMONIC_VPCMPEQQ, VUSER_INSN_VEC, VUSER_VEC_CMPEQ },
	{ ZYDIS_MNEMONIC_PCMPGTB, VUSER_INSN_VEC, VUSER_VEC_CMPGT },
	{ ZYDIS_MNEMONIC_VPCMPGTB, VUSER_INSN_VEC, VUSER_VEC_CMPGT },
	{ ZYDIS_MNEMONIC_PCMPGTW, VUSER_INSN_VEC, VUSER_VEC_CMPGT },
	{ ZYDIS_MNEMONIC_VPCMPGTW, VUSER_INSN_VEC, VUSER_VEC_CMPGT },
	{ ZYDIS_MNEMONIC_PCMPGTD, VUSER_INSN_VEC, VUSER_VEC_CMPGT },
	{ ZYDIS_MNEMONIC_VPCMPGTD, VUSER_INSN_VEC, VUSER_VEC_CMPGT },
	{ ZYDIS_MNEMONIC_PCMPGTQ, VUSER_INSN_VEC, VUSER_VEC_CMPGT },
	{ ZYDIS_MNEMONIC_VPCMPGTQ, VUSER_INSN_VEC, VUSER_VEC_CMPGT },
	{ ZYDIS_MNEMONIC_VPCMPUB, VUSER_INSN_VEC, VUSER_VEC_CMPU },
	{ ZYDIS_MNEMONIC_VPCMPUW, VUSER_INSN_VEC, VUSER_VEC_CMPU },
	{ ZYDIS_MNEMONIC_VPCMPUD, VUSER_INSN_VEC, VUSER_VEC_CMPU },
	{ ZYDIS_MNEMONIC_VPCMPUQ, VUSER_INSN_VEC, VUSER_VEC_CMPU },
	{ ZYDIS_MNEMONIC_VPCMPB, VUSER_INSN_VEC, VUSER_VEC_CMPS },
	{ ZYDIS_MNEMONIC_VPCMPW, VUSER_INSN_VEC, VUSER_VEC_CMPS },
	{ ZYDIS_MNEMONIC_VPCMPD, VUSER_INSN_VEC, VUSER_VEC_CMPS },
	{ ZYDIS_MNEMONIC_VPCMPQ, VUSER_INSN_VEC, VUSER_VEC_CMPS },
	{ ZYDIS_MNEMONIC_VPTESTMB, VUSER_INSN_VEC, VUSER_VEC_TESTM },
	{ ZYDIS_MNEMONIC_VPTESTMW, VUSER_INSN_VEC, VUSER_VEC_TESTM },
	{ ZYDIS_MNEMONIC_VPTESTMD, VUSER_INSN_VEC, VUSER_VEC_TESTM },
	{ ZYDIS_MNEMONIC_VPTESTMQ, VUSER_INSN_VEC, VUSER_VEC_TESTM },
	{ ZYDIS_MNEMONIC_VPTESTNMB, VUSER_INSN_VEC, VUSER_VEC_TESTNM },
	{ ZYDIS_MNEMONIC_VPTESTNMW, VUSER_INSN_VEC, VUSER_VEC_TESTNM },
	{ ZYDIS_MNEMONIC_VPTESTNMD, VUSER_INSN_VEC, VUSER_VEC_TESTNM },
	{ ZYDIS_MNEMONIC_VPTESTNMQ, VUSER_INSN_VEC, VUSER_VEC_TESTNM },
	{ ZYDIS_MNEMONIC_VPTERNLOGD, VUSER_INSN_VEC, VUSER_VEC_TERNLOG },
	{ ZYDIS_MNEMONIC_VPTERNLOGQ, VUSER_INSN_VEC, VUSER_VEC_TERNLOG },
};

static bool is_string_reg(const ZydisDecodedOperand *op)
{
	return op->reg.value == ZYDIS_REGISTER_AL ||
	       op->reg.value == ZYDIS_REGISTER_AX ||
	       op->reg.value == ZYDIS_REGISTER_EAX ||
	       op->reg.value == ZYDIS_REGISTER_RAX;
}

/* The mask of an EVEX instruction is an operand, too. */
static bool is_evex_mask(const struct reference *ref, u32 i)
{
	const ZydisDecodedOperand *op = &ref->ops[i];

	return i > 0 && op->encoding == ZYDIS_OPERAND_ENCODING_MASK;
}

static void sort_register(struct reference *ref, u32 i, bool any)
{
	const ZydisDecodedOperand *op = &ref->ops[i];

	if (is_evex_mask(ref, i))
		return;
	if (op->visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT &&
	    !(any && is_string_reg(op)))
		return;
	if (!ref->reg)
		ref->reg = op;
	else if (!ref->reg2)
		ref->reg2 = op;
}

static void sort_operands(struct reference *ref)
{
	enum vuser_insn_op listed = ref->supported >= 0 ?
					    supported[ref->supported].op :
					    VUSER_INSN_NOP;
	bool string = listed >= VUSER_INSN_STOS && listed <= VUSER_INSN_SCAS;
	u32 i;

	for (i = 0; i < ref->insn.operand_count; i++) {
		const ZydisDecodedOperand *op = &ref->ops[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && !ref->mem)
			ref->mem = op;
		else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
			ref->mem_from = op;
		else if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			ref->imm = op;
		else if (op->type == ZYDIS_OPERAND_TYPE_REGISTER)
			sort_register(ref, i, string);
	}
}

/* MOVSD and CMPSD are either string instructions or use XMM registers. */
static int find_supported(const ZydisDecodedInstruction *insn)
{
	bool vec = insn->meta.category != ZYDIS_CATEGORY_STRINGOP;
	u32 i;

	for (i = 0; i < NR_SUPPORTED; i++) {
		if (supported[i].mnemonic != insn->mnemonic)
			continue;
		if (insn->mnemonic == ZYDIS_MNEMONIC_MOVSD &&
		    vec != (supported[i].op == VUSER_INSN_VEC))
			continue;
		if (insn->mnemonic == ZYDIS_MNEMONIC_CMPSD && vec)
			continue;
		return (int)i;
	}
	return -1;
}

/*
 * Zydis also knows the instructions of Xeon Phi coprocessors (MVEX).  Processors that run
 * Linux do not have them: there, a bit of the EVEX prefix is invalid (SDM 2.7.1).
 */
bool reference_look_up(struct reference *ref, const u8 *bytes)
{
	memset(ref, 0, sizeof(*ref));
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, bytes, VUSER_INSN_MAX,
					       &ref->insn, ref->ops)) ||
	    ref->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_MVEX)
		return false;
	ref->supported = find_supported(&ref->insn);
	sort_operands(ref);
	return true;
}

static u64 register_value(const struct vuser_regs *regs,
			  const struct reference *ref, ZydisRegister reg)
{
	ZydisRegister whole;
	u32 size;

	if (reg == ZYDIS_REGISTER_NONE)
		return 0;
	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return regs->ip + ref->insn.length;
	whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
						 reg);
	size = ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, reg) / 8;
	return vuser_insn_zext(regs->gpr[whole - ZYDIS_REGISTER_RAX], size);
}

/*
 * For 67, REX.B and a SIB byte without a base, Zydis 4.0.0 reports R13D plus
 * nothing.  Processors use the displacement without a base, with REX.B and
 * without (SDM volume 2, table 2-3, note 1); test-insn-exec shows it.
 */
static bool zydis_has_wrong_base(const ZydisDecodedInstruction *insn)
{
	return insn->address_width == 32 && insn->raw.modrm.mod == 0 &&
	       insn->raw.modrm.rm == 4 && insn->raw.sib.base == 5;
}

static u64 effective_address(const struct vuser_regs *regs,
			     const struct reference *ref,
			     const ZydisDecodedOperand *op)
{
	u64 addr = register_value(regs, ref, op->mem.index) * op->mem.scale;

	/* Zydis does not say that xlat adds AL */
	if (ref->insn.mnemonic == ZYDIS_MNEMONIC_XLAT)
		addr = (u8)regs->gpr[VUSER_AX];
	if (zydis_has_wrong_base(&ref->insn))
		addr += (u64)ref->insn.raw.disp.value;
	else
		addr += register_value(regs, ref, op->mem.base) +
			(u64)op->mem.disp.value;
	return vuser_insn_zext(addr, ref->insn.address_width / 8);
}

/* Return the byte offset of a bit whose number is in a register. */
static u64 bit_distance(const struct vuser_insn *insn)
{
	s64 bit = (s64)vuser_insn_sext(insn->operand, insn->size);
	s64 width = 8 * insn->size;
	s64 words = bit >= 0 ? bit / width : (bit + 1) / width - 1;

	return (u64)(words * insn->size);
}

static bool same_register(const struct vuser_insn *insn,
			  const ZydisDecodedOperand *op)
{
	ZydisRegister reg = op->reg.value;
	ZydisRegister whole;

	whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
						 reg);
	if (whole != (ZydisRegister)(ZYDIS_REGISTER_RAX + insn->reg))
		return false;
	if (ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, reg) !=
	    8 * insn->reg_size)
		return false;
	return insn->reg_high ==
	       (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH);
}

static bool same_immediate(const struct vuser_insn *insn,
			   const ZydisDecodedOperand *op)
{
	u64 value = op->imm.value.u;

	if (insn->op >= VUSER_INSN_BT && insn->op <= VUSER_INSN_BTC)
		return insn->bit == (value & (8 * insn->size - 1));
	return insn->operand == vuser_insn_zext(value, insn->size);
}

static bool is_shift(const struct vuser_insn *insn)
{
	return insn->op >= VUSER_INSN_ROL && insn->op <= VUSER_INSN_SHRD;
}

/* The distance is a constant or in CL. */
static bool same_distance(const struct vuser_insn *insn,
			  const struct vuser_regs *regs,
			  const struct reference *ref)
{
	u8 opcode = ref->insn.opcode;
	bool by_cl = opcode == 0xd2 || opcode == 0xd3 || opcode == 0xa5 ||
		     opcode == 0xad;
	u64 count = regs->gpr[VUSER_CX];

	if (!by_cl == !ref->imm)
		return false;
	if (!by_cl)
		count = ref->imm->imm.value.u;
	return insn->bit == (count & (insn->size == 8 ? 63 : 31));
}

static bool same_number(const ZydisDecodedOperand *op, u8 number)
{
	return ZydisRegisterGetId(op->reg.value) == number;
}

/* Compare the registers, the mask and the immediate of a vector instruction. */
static const char *vec_difference(const struct vuser_insn *insn,
				  const struct reference *ref)
{
	bool swapped = insn->vec_op == VUSER_VEC_MASKMOV && insn->store;
	const ZydisDecodedOperand *first = swapped ? ref->reg2 : ref->reg;
	const ZydisDecodedOperand *second = swapped ? ref->reg : ref->reg2;
	bool broadcast = insn->repeat;

	if (!first || !same_number(first, insn->reg))
		return "vector register";
	if (second && !same_number(second, insn->reg2))
		return "second vector register";
	if (!second && insn->vex && insn->reg2)
		return "no second vector register";
	if (ref->imm && ref->imm->imm.value.u != insn->imm)
		return "immediate";
	if (insn->to_mask !=
	    (ZydisRegisterGetClass(first->reg.value) == ZYDIS_REGCLASS_MASK))
		return "result in a mask register";
	if (ref->insn.encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX)
		return insn->mask || insn->zeroing || broadcast ? "mask" : NULL;
	if (ref->insn.avx.mask.reg !=
	    (ZydisRegister)(ZYDIS_REGISTER_K0 + insn->mask))
		return "mask register";
	if (insn->mask && 8 * insn->elem != ref->mem->element_size)
		return "size of an element";
	if (!insn->to_mask && insn->zeroing != (ref->insn.avx.mask.mode ==
						ZYDIS_MASK_MODE_ZEROING))
		return "zeroing";
	if (insn->vec_op != VUSER_VEC_BROADCAST &&
	    broadcast != (ref->insn.avx.broadcast.mode !=
			  ZYDIS_BROADCAST_MODE_INVALID))
		return "broadcast";
	return NULL;
}

/* Compare the operands; string moves have no register operand. */
static const char *operand_difference(const struct vuser_insn *insn,
				      const struct vuser_regs *regs,
				      const struct reference *ref)
{
	if (insn->op == VUSER_INSN_VEC)
		return vec_difference(insn, ref);
	if (is_shift(insn) && !same_distance(insn, regs, ref))
		return "distance";
	if (insn->op == VUSER_INSN_RORX &&
	    insn->bit != (ref->imm->imm.value.u & (8 * insn->size - 1)))
		return "distance";
	/* shifts by CL have a register that is not set */
	if (ref->reg && !(is_shift(insn) && !insn->reg_size) &&
	    !same_register(insn, ref->reg))
		return "register";
	if (insn->op >= VUSER_INSN_ANDN && insn->op <= VUSER_INSN_SHRX &&
	    ref->reg2 && !same_number(ref->reg2, insn->reg2))
		return "second register";
	if (is_shift(insn) || insn->op == VUSER_INSN_RORX)
		return NULL;
	if (ref->imm && !same_immediate(insn, ref->imm))
		return "immediate";
	return NULL;
}

/* True if the addresses and directions of two accesses are the same. */
static bool same_pair(const struct vuser_insn *insn,
		      const struct vuser_regs *regs,
		      const struct reference *ref)
{
	const ZydisDecodedOperand *to = ref->mem, *from = ref->mem_from;
	struct vuser_regs popped = *regs;

	/* these have their destination in a register */
	if (insn->op == VUSER_INSN_MOVDIR64B || insn->op == VUSER_INSN_ENQCMD)
		return to && effective_address(regs, ref, to) == insn->from &&
		       register_value(regs, ref, ref->reg->reg.value) ==
			       insn->addr;
	if (!to || !from)
		return false;
	/* these name the source first */
	if (insn->op == VUSER_INSN_CMPS || insn->op == VUSER_INSN_PUSH) {
		to = ref->mem_from;
		from = ref->mem;
	}
	if (insn->op == VUSER_INSN_POP)
		popped.gpr[VUSER_SP] += insn->size;
	if (insn->op == VUSER_INSN_PUSH)
		return effective_address(regs, ref, from) == insn->from &&
		       insn->addr == regs->gpr[VUSER_SP] - insn->size;
	if (insn->op == VUSER_INSN_POP)
		return effective_address(&popped, ref, to) == insn->addr &&
		       insn->from == regs->gpr[VUSER_SP];
	return effective_address(regs, ref, to) == insn->addr &&
	       effective_address(regs, ref, from) == insn->from;
}

/* Compare the accesses to memory. */
static const char *access_difference(const struct vuser_insn *insn,
				     const struct vuser_regs *regs,
				     const struct reference *ref)
{
	const ZydisDecodedOperand *mem = ref->mem;
	u64 addr;

	if (mem->mem.segment == ZYDIS_REGISTER_FS ||
	    mem->mem.segment == ZYDIS_REGISTER_GS)
		return "segment";
	if (vuser_insn_copies(insn) || insn->op == VUSER_INSN_CMPS) {
		if (!same_pair(insn, regs, ref))
			return "address of two";
		return insn->load && insn->store !=
					       (insn->op == VUSER_INSN_CMPS) ?
			       NULL :
			       "direction";
	}

	addr = effective_address(regs, ref, mem);
	if (insn->op >= VUSER_INSN_BT && insn->op <= VUSER_INSN_BTC &&
	    !ref->imm)
		addr = vuser_insn_zext(addr + bit_distance(insn),
				       insn->addr_size);
	if (addr != insn->addr)
		return "address";
	if (insn->op == VUSER_INSN_NOP)
		return NULL;
	if (mem->size != 8 * insn->size)
		return "size";
	if (!insn->load != !(mem->actions & ZYDIS_OPERAND_ACTION_MASK_READ) ||
	    !insn->store != !(mem->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
		return "direction";
	return NULL;
}

static const char *repetition_difference(const struct vuser_insn *insn,
					 const struct reference *ref)
{
	const ZydisInstructionAttributes attrs = ref->insn.attributes;
	bool until = attrs & ZYDIS_ATTRIB_HAS_REPNE;

	if (insn->rep !=
	    !!(attrs & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
			ZYDIS_ATTRIB_HAS_REPNE)))
		return "repetition";
	return insn->until == until ? NULL : "condition of the repetition";
}

/* IMUL with one operand has another operation. */
static enum vuser_insn_op supported_op(const struct reference *ref)
{
	enum vuser_insn_op op = supported[ref->supported].op;

	if (op == VUSER_INSN_IMUL && ref->insn.operand_count_visible == 1)
		return VUSER_INSN_MUL_WIDE;
	return op;
}

/* The stores of MOVLPS and its like are moves. */
static enum vuser_vec_op supported_vec_op(const struct reference *ref)
{
	enum vuser_vec_op op = supported[ref->supported].vec_op;

	if (op == VUSER_VEC_INSERT &&
	    ref->ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
		return VUSER_VEC_MOVE;
	return op;
}

/* Return the name of the first difference, or NULL. */
const char *reference_difference(const struct vuser_insn *insn,
				 const struct vuser_regs *regs,
				 const struct reference *ref)
{
	const ZydisInstructionAttributes attrs = ref->insn.attributes;
	const char *wrong;

	if (ref->supported < 0 || supported_op(ref) != insn->op)
		return "operation";
	if (insn->op == VUSER_INSN_VEC && supported_vec_op(ref) != insn->vec_op)
		return "vector operation";
	if (insn->len != ref->insn.length)
		return "length";
	if (!ref->mem)
		return "memory";
	wrong = access_difference(insn, regs, ref);
	if (wrong)
		return wrong;
	wrong = operand_difference(insn, regs, ref);
	if (wrong)
		return wrong;
	if ((insn->op == VUSER_INSN_CMP || insn->op == VUSER_INSN_MOV ||
	     insn->op <= VUSER_INSN_XOR) &&
	    ref->insn.mnemonic != ZYDIS_MNEMONIC_XLAT &&
	    insn->to_reg != (ref->ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER))
		return "order";
	if (insn->op != VUSER_INSN_MUL_WIDE &&
	    insn->sign != (ref->insn.mnemonic == ZYDIS_MNEMONIC_MOVSX ||
			   ref->insn.mnemonic == ZYDIS_MNEMONIC_MOVSXD))
		return "extension";
	if (insn->op != VUSER_INSN_XCHG &&
	    insn->lock != !!(attrs & ZYDIS_ATTRIB_HAS_LOCK))
		return "lock";
	return repetition_difference(insn, ref);
}

static bool has_prefix(const struct reference *ref, u8 prefix)
{
	u32 i;

	for (i = 0; i < ref->insn.raw.prefix_count; i++)
		if (ref->insn.raw.prefixes[i].value == prefix)
			return true;
	return false;
}

/* The alignment that the processor requires, or 1. */
static u32 alignment(const struct reference *ref)
{
	bool sse = ref->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;

	switch (ref->insn.mnemonic) {
	case ZYDIS_MNEMONIC_MOVAPS:
	case ZYDIS_MNEMONIC_MOVAPD:
	case ZYDIS_MNEMONIC_MOVDQA:
	case ZYDIS_MNEMONIC_MOVNTPS:
	case ZYDIS_MNEMONIC_MOVNTPD:
	case ZYDIS_MNEMONIC_MOVNTDQ:
	case ZYDIS_MNEMONIC_MOVNTDQA:
	case ZYDIS_MNEMONIC_VMOVAPS:
	case ZYDIS_MNEMONIC_VMOVAPD:
	case ZYDIS_MNEMONIC_VMOVDQA:
	case ZYDIS_MNEMONIC_VMOVDQA32:
	case ZYDIS_MNEMONIC_VMOVDQA64:
	case ZYDIS_MNEMONIC_VMOVNTPS:
	case ZYDIS_MNEMONIC_VMOVNTPD:
	case ZYDIS_MNEMONIC_VMOVNTDQ:
	case ZYDIS_MNEMONIC_VMOVNTDQA:
	case ZYDIS_MNEMONIC_CMPXCHG16B:
	case ZYDIS_MNEMONIC_MOVDIR64B:
	case ZYDIS_MNEMONIC_ENQCMD:
		return ref->mem->size / 8;
	default:
		break;
	}
	if (sse && supported[ref->supported].op == VUSER_INSN_VEC &&
	    supported[ref->supported].vec_op >= VUSER_VEC_TEST)
		return ref->mem->size / 8;
	return 1;
}

/* The address that must be aligned. */
static u64 aligned_address(const struct vuser_regs *regs,
			   const struct reference *ref)
{
	if (ref->insn.mnemonic == ZYDIS_MNEMONIC_MOVDIR64B ||
	    ref->insn.mnemonic == ZYDIS_MNEMONIC_ENQCMD)
		return register_value(regs, ref, ref->reg->reg.value);
	return effective_address(regs, ref, ref->mem);
}

static bool is_gpr(const ZydisDecodedOperand *op)
{
	ZydisRegisterClass class = ZydisRegisterGetClass(op->reg.value);

	return class >= ZYDIS_REGCLASS_GPR8 && class <= ZYDIS_REGCLASS_GPR64;
}

/*
 * True if F2 or F3 repeats or selects the instruction.  Both repeat string
 * instructions that compare.  Only F3 repeats the others.
 */
static bool uses_repeat_prefix(enum vuser_insn_op op, bool f2)
{
	switch (op) {
	case VUSER_INSN_CMPS:
	case VUSER_INSN_SCAS:
		return true;
	case VUSER_INSN_CRC32:
	case VUSER_INSN_ENQCMD:
		return f2;
	case VUSER_INSN_MOVS:
	case VUSER_INSN_STOS:
	case VUSER_INSN_LODS:
	case VUSER_INSN_POPCNT:
	case VUSER_INSN_TZCNT:
	case VUSER_INSN_LZCNT:
	case VUSER_INSN_ADOX:
		return !f2;
	default:
		return false;
	}
}

bool reference_may_refuse(const struct vuser_regs *regs,
			  const struct reference *ref)
{
	enum vuser_insn_op op = supported[ref->supported].op;
	const ZydisDecodedOperand *mem = ref->mem;
	bool vec = op == VUSER_INSN_VEC;
	bool f2 = has_prefix(ref, 0xf2), f3 = has_prefix(ref, 0xf3);

	if (!mem || mem->type != ZYDIS_OPERAND_TYPE_MEMORY)
		return true;
	/* push and pop of a register, and registers as the visible operand */
	if (mem->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
	    (op == VUSER_INSN_PUSH || op == VUSER_INSN_POP))
		return true;
	if (mem->mem.segment == ZYDIS_REGISTER_FS ||
	    mem->mem.segment == ZYDIS_REGISTER_GS || has_prefix(ref, 0x64) ||
	    has_prefix(ref, 0x65))
		return true;
	/* segment registers, control registers */
	if (ref->reg && !vec && !is_gpr(ref->reg))
		return true;
	/* MMX */
	if (vec && (!ref->reg || ZydisRegisterGetClass(ref->reg->reg.value) ==
					 ZYDIS_REGCLASS_MMX))
		return true;
	if (aligned_address(regs, ref) % alignment(ref))
		return true;
	/* a repetition count of 0 */
	if (ref->insn.attributes &
		    (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
		     ZYDIS_ATTRIB_HAS_REPNE) &&
	    !vuser_insn_zext(regs->gpr[VUSER_CX], ref->insn.address_width / 8))
		return true;
	/* elsewhere F2 and F3 are hints or have no effect */
	if (!vec && ((f2 && !uses_repeat_prefix(op, true)) ||
		     (f3 && !uses_repeat_prefix(op, false))))
		return true;
	if (f2 && f3)
		return true;
	return ref->insn.mnemonic == ZYDIS_MNEMONIC_MOVSXD &&
	       ref->reg->size != 64;
}
