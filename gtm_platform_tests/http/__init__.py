"""The room connect: against toy servers, with clocks that are moved by hand."""
