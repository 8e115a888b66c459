#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Print the lines of a kernel log that tell of a bug. Succeeds if there are any.
harmless='\] (tsc: Unable to calibrate|tsc: Marking TSC unstable)'
grep -E 'WARNING:|BUG:|BUG kmalloc|Oops|UBSAN|KASAN|KCSAN|INFO: (task|rcu|possible|inconsistent|trying|suspicious)|possible (circular|recursive)|suspicious RCU|general protection|unreferenced object|Kernel panic|rcu_(sched|preempt).*(stall|detected)|self-detected stall|ODEBUG|list_(add|del) corruption|bad unlock balance|scheduling while atomic|sleeping function|refcount_t|soft lockup|hard LOCKUP|leaked|kmemleak: .* new suspected' "$1" |
	grep -vE "$harmless"
