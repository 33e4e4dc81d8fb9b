// The commit that the program was built from: a section of its own, which packaging writes into the linked program.
// Were it known to the compiler, each commit would make it compile anew.
#include "CKernels.h"

#if defined(__ELF__)
__attribute__((section("cellar_commit"), used))
#endif
static const volatile char commit[64] = "";

const char *ck_commit(void) { return (const char *)commit; }
