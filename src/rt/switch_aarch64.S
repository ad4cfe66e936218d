/* SPDX-License-Identifier: ISC */
/*
 * The switch for aarch64 (AAPCS64).  A suspended stack holds, from its pointer upwards:
 * x19-x28, x29 x30 (30: where to go on), d8-d15: 160 bytes.
 */
#if defined(__aarch64__)
	.text
	.globl	rt_switch
	.hidden	rt_switch
	.type	rt_switch, %function
	.p2align 4
rt_switch:				/* (void **save, void *to) */
	.cfi_startproc
	hint	#34			/* bti c */
	sub	sp, sp, #160
	.cfi_adjust_cfa_offset 160
	stp	x19, x20, [sp]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	.cfi_rel_offset x29, 80
	.cfi_rel_offset x30, 88
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mov	x9, sp
	str	x9, [x0]
	mov	sp, x1
	ldp	x19, x20, [sp]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	add	sp, sp, #160
	.cfi_adjust_cfa_offset -160
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_endproc
	.size	rt_switch, .-rt_switch

/* The bottom of each new stack: x19 is the function, x20 its argument. */
	.globl	rt_entry
	.hidden	rt_entry
	.type	rt_entry, %function
	.p2align 4
rt_entry:
	.cfi_startproc
	.cfi_undefined x30
	hint	#34			/* bti c */
	mov	x0, x20
	mov	x16, x19		/* x16: the callee may be a bti c */
	mov	x29, #0
	mov	x30, #0			/* where backtraces end */
	br	x16
	.cfi_endproc
	.size	rt_entry, .-rt_entry
#endif
	.section .note.GNU-stack, "", %progbits
