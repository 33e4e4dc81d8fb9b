#ifndef CELLAR_CCOMMIT_H
#define CELLAR_CCOMMIT_H

/// The commit of the program's sources, as `git describe` names it, where it was packaged; else empty. Were it known to the compiler,
/// each commit would make it compile anew.
const char *cellar_commit(void);

#endif
