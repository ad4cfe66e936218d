/* SPDX-License-Identifier: ISC */
/*
 * The switch for x86-64 (System V).  A suspended stack holds, from its pointer upwards:
 * r15 r14 r13 r12 rbx rbp, and the address to go on at.
 * Marked for indirect branch tracking only: a shadow stack would need its own switch.
 */
#if defined(__x86_64__)
	.text
	.globl	rt_switch
	.hidden	rt_switch
	.type	rt_switch, @function
	.p2align 4
rt_switch:				/* (void **save, void *to) */
	.cfi_startproc
	endbr64
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp		/* the same layout over there: the unwind rules hold */
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	popq	%rcx			/* an indirect jump predicts better here than ret */
	.cfi_adjust_cfa_offset -8
	.cfi_register rip, rcx
	notrack jmp *%rcx
	.cfi_endproc
	.size	rt_switch, .-rt_switch

/* The bottom of each new stack: r12 is the function, r13 its argument. */
	.globl	rt_entry
	.hidden	rt_entry
	.type	rt_entry, @function
	.p2align 4
rt_entry:
	.cfi_startproc
	.cfi_undefined rip
	endbr64
	xorl	%ebp, %ebp
	movq	%r13, %rdi
	pushq	$0			/* where backtraces end */
	jmp	*%r12
	.cfi_endproc
	.size	rt_entry, .-rt_entry

	.section .note.gnu.property, "a"
	.p2align 3
	.long	4, 16, 5
	.asciz	"GNU"
	.long	0xc0000002, 4, 1, 0	/* x86 features: IBT */
#endif
	.section .note.GNU-stack, "", @progbits
