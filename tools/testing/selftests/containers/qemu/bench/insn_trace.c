// SPDX-License-Identifier: GPL-2.0
/*
 * A QEMU plugin: what a guest executes between two markers.
 *
 *   gcc -O2 -Wall -shared -fPIC -o insn_trace.so insn_trace.c
 *   qemu-system-x86_64 -accel tcg -smp 1 -plugin ./insn_trace.so,out=PATH ...
 *
 * A program in the guest executes the marker, "xchg %bx,%bx", before and after
 * what it wants traced, any number of times. The file has a line for each fact:
 *
 *   m				a marker: odd ones begin an iteration, even ones end it
 *   b ID KIND ADDRESS SIZE...	a translation block: what its last instruction is
 *				("call", "ret", "iret" or "-"), where it starts, the
 *				sizes of its instructions
 *   x ID FIRST COUNT		COUNT instructions of that block were executed, the
 *				first of them being number FIRST, from 0
 *
 * COUNT is exact if a block is left in its middle. An instruction that faults is
 * counted when it is tried and when it is repeated.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Version 1 of the interface, as in QEMU 7.2; Debian has no package with its header. */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

struct qemu_info {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	_Bool system_emulation;
	int smp_vcpus, max_vcpus;
};

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*atexit_fn)(qemu_plugin_id_t id, void *data);
typedef void (*trans_fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*exec_fn)(unsigned int cpu, void *data);

void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, atexit_fn fn, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, trans_fn fn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, exec_fn fn,
					  enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_fn fn,
					    enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
						enum qemu_plugin_op op, void *ptr,
						uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t idx);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;

/* Never freed: QEMU does not say when it forgets one. */
struct block {
	uint64_t addr;
	const char *kind;
	unsigned int id;
	/* Is it in the file already? */
	_Bool written;
	unsigned int nr;
	unsigned char size[];
};

static FILE *out;
static _Bool tracing;
static unsigned int nr_blocks;

/* All instructions but markers, counted by code that QEMU generates. */
static uint64_t executed;

/* Where the processor is: since @base, in @current from number @first on. */
static struct block *current;
static unsigned int first;
static uint64_t base;

/* A block has been left: now it is known how much of it was executed. */
static void write_current(void)
{
	struct block *block = current;
	unsigned int i;

	if (executed == base)
		return;
	if (!block->written) {
		fprintf(out, "b %u %s %" PRIx64, block->id, block->kind, block->addr);
		for (i = 0; i < block->nr; i++)
			fprintf(out, " %u", block->size[i]);
		putc('\n', out);
		block->written = 1;
	}
	fprintf(out, "x %u %u %" PRIu64 "\n", block->id, first, executed - base);
}

static void enter_block(unsigned int cpu, void *data)
{
	if (tracing)
		write_current();
	current = data;
	first = 0;
	base = executed;
}

/* Called before the marker, which has number @data, is executed. */
static void pass_marker(unsigned int cpu, void *data)
{
	if (tracing)
		write_current();
	first = (uintptr_t)data + 1;
	base = executed;
	tracing = !tracing;
	fputs("m\n", out);
}

static const char *kind_of(const unsigned char *code, size_t size)
{
	static const char prefixes[] = "\x66\x67\xf2\xf3\x26\x2e\x36\x3e\x64\x65";

	/* Operand and address size, repeat, segments (and notrack), REX. */
	while (size > 1 && *code &&
	       (strchr(prefixes, (char)*code) || (*code & 0xf0) == 0x40)) {
		code++;
		size--;
	}
	if (*code == 0xe8)
		return "call";
	if (*code == 0xff && size > 1 && (code[1] >> 3 & 7) == 2)
		return "call";
	if (*code == 0xc3 || *code == 0xc2)
		return "ret";
	if (*code == 0xcf)
		return "iret";
	return "-";
}

/* One of a program: the kernel's addresses have the top bit set. */
static _Bool is_marker(const struct qemu_plugin_insn *insn)
{
	return qemu_plugin_insn_size(insn) == 3 &&
	       !memcmp(qemu_plugin_insn_data(insn), "\x66\x87\xdb", 3) &&
	       !(qemu_plugin_insn_vaddr(insn) >> 63);
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, nr = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn = NULL;
	struct block *block = calloc(1, sizeof(*block) + nr);

	if (!block || !nr)
		abort();
	block->id = nr_blocks++;
	block->nr = nr;
	block->addr = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
	for (i = 0; i < nr; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		block->size[i] = qemu_plugin_insn_size(insn);
		if (is_marker(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, pass_marker, QEMU_PLUGIN_CB_NO_REGS,
				(void *)(uintptr_t)i);
		else
			qemu_plugin_register_vcpu_insn_exec_inline(
				insn, QEMU_PLUGIN_INLINE_ADD_U64, &executed, 1);
	}
	block->kind = kind_of(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn));
	qemu_plugin_register_vcpu_tb_exec_cb(tb, enter_block, QEMU_PLUGIN_CB_NO_REGS,
					     block);
}

static void finish(qemu_plugin_id_t id, void *data)
{
	if (fclose(out))
		perror("insn_trace");
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			       int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("insn_trace: wants one argument, out=PATH\n", stderr);
		return -1;
	}
	if (strcmp(info->target_name, "x86_64") || info->smp_vcpus != 1) {
		fputs("insn_trace: wants one x86_64 processor\n", stderr);
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
