"""The rules that an assertion must pass, one function each: it raises AssertionRefused or has nothing to say."""
