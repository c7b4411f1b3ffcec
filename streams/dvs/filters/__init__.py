"""One filter of camera events per file; each keeps its state from block to block."""
