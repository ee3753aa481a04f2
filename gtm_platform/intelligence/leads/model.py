"""`intelligence/lead_model`: the model of which leads become customers."""

from gtm_platform.intelligence.leads.features import FEATURES
from gtm_platform.intelligence.leads.features import TABLE as FEATURE_TABLE
from gtm_platform.intelligence.leads.labels import labelled
from gtm_platform.intelligence.models.asset import definitions_of
from gtm_platform.intelligence.models.monthly import MonthlyModel

MODEL = MonthlyModel(
    name="lead_model",
    title="Leads",
    about="becoming a customer within the policy's horizon",
    subject="lead_id",
    subjects="leads",
    event="was won",
    features=FEATURE_TABLE,
    columns=FEATURES,
    horizon=lambda policy: policy.intelligence.lead_horizon_days,
    outcomes=labelled,
    learns_of=("identity/people", "identity/companies"),
    minute=50,
)
DEFINITIONS = definitions_of(MODEL)
