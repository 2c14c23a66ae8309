"""The parameter records of all mechanisms for one draw, built once per run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kechuang.parameters import Draw
from kechuang.world.mechanisms.accounts import AccountParameters
from kechuang.world.mechanisms.certification import CertificationParameters
from kechuang.world.mechanisms.credit import CreditParameters
from kechuang.world.mechanisms.demand import DemandParameters
from kechuang.world.mechanisms.demography import DemographyParameters
from kechuang.world.mechanisms.digital import DigitalParameters
from kechuang.world.mechanisms.founding import FoundingParameters
from kechuang.world.mechanisms.growth import GrowthParameters
from kechuang.world.mechanisms.incubators import IncubatorParameters
from kechuang.world.mechanisms.initial import InitialParameters
from kechuang.world.mechanisms.joint import JointParameters
from kechuang.world.mechanisms.knowledge import KnowledgeParameters
from kechuang.world.mechanisms.platforms import PlatformParameters
from kechuang.world.mechanisms.registration import RegistrationParameters
from kechuang.world.mechanisms.research import ResearchParameters
from kechuang.world.mechanisms.spillovers import SpilloverParameters
from kechuang.world.mechanisms.talent import TalentParameters
from kechuang.world.mechanisms.venture import VentureParameters
from kechuang.world.mechanisms.zone import ZoneParameters


@dataclass
class Rules:
    """What the mechanisms know; `value` and `vector` read the few numbers that belong to no record."""

    draw: Draw
    demand: DemandParameters
    growth: GrowthParameters
    research: ResearchParameters
    knowledge: KnowledgeParameters
    spillovers: SpilloverParameters
    registration: RegistrationParameters
    certification: CertificationParameters
    demography: DemographyParameters
    accounts: AccountParameters
    credit: CreditParameters
    initial: InitialParameters
    venture: VentureParameters
    zone: ZoneParameters
    talent: TalentParameters
    founding: FoundingParameters
    digital: DigitalParameters
    incubators: IncubatorParameters
    joint: JointParameters
    platforms: PlatformParameters

    @classmethod
    def of(cls, draw: Draw, scale: float = 1.0) -> Rules:
        """Read every record from a draw."""
        return cls(
            draw,
            DemandParameters.of(draw),
            GrowthParameters.of(draw),
            ResearchParameters.of(draw),
            KnowledgeParameters.of(draw),
            SpilloverParameters.of(draw),
            RegistrationParameters.of(draw, scale),
            CertificationParameters.of(draw),
            DemographyParameters.of(draw),
            AccountParameters.of(draw),
            CreditParameters.of(draw),
            InitialParameters.of(draw),
            VentureParameters.of(draw),
            ZoneParameters.of(draw),
            TalentParameters.of(draw, scale),
            FoundingParameters.of(draw),
            DigitalParameters.of(draw),
            IncubatorParameters.of(draw),
            JointParameters.of(draw),
            PlatformParameters.of(draw),
        )

    def value(self, key: str) -> float:
        """Return a single number of the draw."""
        return self.draw.number(key)

    def vector(self, key: str) -> NDArray[np.float64]:
        """Return a list of the draw as an array."""
        return np.array(self.draw.vector(key))
