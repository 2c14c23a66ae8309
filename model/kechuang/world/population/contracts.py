"""The contracts between firms and carriers that were signed in a quarter, one entry a contract."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Contracts(NamedTuple):
    """Rows of firms and carriers, money in 万元.

    `voucher` is what the voucher pool owes for a contract, `with_voucher` says that one was used, `additional` that without
    it the firm would not have signed.
    """

    firm: NDArray[np.int64]
    carrier: NDArray[np.int64]
    value: NDArray[np.float64]
    voucher: NDArray[np.float64]
    with_voucher: NDArray[np.bool_]
    additional: NDArray[np.bool_]

    @property
    def number(self) -> int:
        """Number of contracts."""
        return int(self.firm.size)

    def vouchers_of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what vouchers pay to the firms in these rows (万元); a firm signs one contract a quarter at most."""
        if not self.voucher.any():
            return np.zeros(rows.size)
        owed = np.zeros(max(int(rows.max(initial=0)), int(self.firm.max())) + 1)
        owed[self.firm] = self.voucher
        return np.asarray(owed[rows])


NO_CONTRACTS = Contracts(
    np.zeros(0, dtype=np.int64),
    np.zeros(0, dtype=np.int64),
    np.zeros(0),
    np.zeros(0),
    np.zeros(0, dtype=bool),
    np.zeros(0, dtype=bool),
)
