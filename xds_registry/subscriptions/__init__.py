"""Document Metadata Subscription (ITI-52, ITI-53): systems that want to be told of what is registered."""
