# SPDX-License-Identifier: EUPL-1.2
"""What an adviser shared and nobody may read for now. Pure.

It stays in the vault and goes as soon as there is a right to it, whatever was said of it here.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.core.inzage import Stuk, rechten, verloop
from services.intake.core.zaak import Zaak
from shared.envelope import Fact
from shared.events import DelingOpgehouden, InhoudGedeeld


def opgehouden(
    zaak: Zaak, dossier: Sequence[Fact], wachtend: Collection[UUID], nu: datetime
) -> dict[UUID, DelingOpgehouden]:
    """Of these pieces, which went to nobody yet, the ones that no right covers, with what is to be said of
    each to the cluster that shared it. `nu` is aware.
    """
    rechtens = rechten(zaak, verloop(dossier), ()).values()
    gevonden: dict[UUID, DelingOpgehouden] = {}
    for feit in _gedeeld(dossier):
        data: Any = feit.data
        stuk = Stuk(feit.key, "gedeeld", zetel=data.leidinggevende)
        if feit.key in wachtend and not any(recht.omvat(stuk) for recht in rechtens):
            gevonden[feit.key] = DelingOpgehouden.model_validate(
                {"opgehouden_op": nu, "cluster": feit.publisher, "leidinggevende": data.leidinggevende}
            )
    return gevonden


def _gedeeld(dossier: Iterable[Fact]) -> Iterable[Fact]:
    return (feit for feit in dossier if isinstance(feit.data, InhoudGedeeld))
