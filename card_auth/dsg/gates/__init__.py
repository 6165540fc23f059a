"""The rules that a signature must pass, one function each: it raises SignatureRefused or has nothing to say."""
