"""Banks, funds and the government with its funds: who lends, invests and pays."""
