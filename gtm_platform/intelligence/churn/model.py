"""`intelligence/churn_model`: the model of who churns within 90 days, of whom pays today."""

from gtm_platform.health.backtest_history import HORIZON
from gtm_platform.intelligence.churn.features import FEATURES, GROUP
from gtm_platform.intelligence.churn.features import TABLE as FEATURE_TABLE
from gtm_platform.intelligence.churn.labels import labelled
from gtm_platform.intelligence.models.asset import definitions_of
from gtm_platform.intelligence.models.monthly import MonthlyModel

MODEL = MonthlyModel(
    name="churn_model",
    title="Churn",
    about=f"churn within {HORIZON} days",
    subject="customer_id",
    subjects="customers",
    event="churned",
    features=FEATURE_TABLE,
    columns=FEATURES,
    horizon=lambda _: HORIZON,
    outcomes=lambda lake, days, _: labelled(lake, days),
    learns_of=("core/revenue",),
    minute=45,
    group=GROUP,
)
DEFINITIONS = definitions_of(MODEL)
