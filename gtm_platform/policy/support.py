"""What is critical, and what counts as talk of cancelling. The 90 days of the columns belong to their contract."""

from gtm_platform.policy.rules import Days, Pattern, Rules

WORDS = (
    r"\b(?:cancel|terminat\w* (?:our|the|my|this) (?:contract|agreement|subscription|account|plan)"
    r"|clos(?:e|ing) (?:our|my|the) account"
    r"|(?:not|\w+n't|no longer|never) (?:be |going to |want to |plan to |wish to |intend to )*renew"
    r"|(?:auf|ge)?(?:zu)?kündig|stornier|résili|annul|anular|rescind|rescis|dar(?:nos|me)? de baja|disdett|disdi"
    r"|opzeg|opgezegd|wypowied|säga upp|säger upp)|解約|退订|取消订阅|キャンセル"
)
_VERBS = (
    r"(?:(?:want|wants|wanting|wish|wishing|plan|plans|planning|going|intend|intending|intention|looking|need|mean"
    r"|like|thinking|think|considering|decided|be|being|have|had|to|of|about|on|our|the|my|this|just|yet|ever|even) )"
    r"{0,5}"
)
NEGATED = (
    r"\b(?:(?:do|does|did|will|would|are|is|am|was|were|should|have|has|had|'m|'re|'ll) not"
    r"|(?:do|does|did|wo|would|are|is|was|were|should|have|has|had)n't|not to|never|without"
    r"|no (?:plans?|intentions?|wish|reason|need)|instead of|rather than|no longer) "
    rf"{_VERBS}(?:cancel|terminat|clos)"
    r"|\b(?:nicht|nie|keinesfalls) (?:zu |mehr |vor, )*(?:auf|ge)?(?:zu)?kündig"
    r"|\bkündig\w* (?:den vertrag |das abo |euch |ihnen |jetzt |noch )*nicht"
    r"|\b(?:pas|jamais) (?:de |à |notre |l')*(?:résili|annul)"
    r"|\b(?:no|não|non) (?:queremos|quiero|vamos a|voy a|pensamos|deseamos|quero|vamos|vogliamo|voglio|intendiamo) "
    r"(?:cancel|anular|rescind|disdi|annull|dar)"
    r"|\bniet (?:te |meer )*(?:opzeg|annul|cancel)"
)
_THINGS = (
    r"(?:meeting|call|appointment|invite|invitation|demo|flight|session|webinar|booking|event|reservation|export"
    r"|import|upload|download|job|run|request|query|task|reminder|sync|build|deployment|termin|rendez-vous|cita"
    r"|reuni|afspraak)"
)
_WHOSE = (
    r"(?:(?:my|the|our|this|that|an?|your|his|her|their|any|all|today's|tomorrow's|next|last|first|upcoming|zoom|teams"
    r"|google|calendar|weekly|monthly|onboarding|data|csv|running) )"
)
OF_SOMETHING_ELSE = (
    rf"\bcancel\w* {_WHOSE}*{_THINGS}"
    rf"|\b{_THINGS}\w* (?:(?:was|is|has|have|had|been|got|gets|were|be|to|just|will|needs|must) )*cancel"
    r"|\b(?:press|click|hit|tap)\w* (?:on )?(?:the )?['\"“]?cancel|\bnoise[- ]cancel|\bcancel button"
    r"|\b(?:termin|meeting|call)\w* (?:[\w-]+ ){0,2}(?:stornier|annul)|\bannul\w* (?:[\w'-]+ ){0,2}(?:réunion|appel)"
)
OF_OURS = (
    r"\b(?:subscription|(?:our|my|the|this|your|pro|team|starter|annual|monthly) plan\b|account|contract|membership"
    r"|renewal|licen[cs]e|abo\b|abonnement|vertrag|suscripci|assinatura|contrat|umowa)"
)
AUTO_REPLY = (
    r"\b(?:out of (?:the )?office|automatic reply|auto[- ]?reply|(?:annual|parental|maternity|sick) leave"
    r"|abwesenheit|automatische antwort|réponse automatique|absent du bureau|respuesta automática"
    r"|fuera de la oficina|risposta automatica|resposta automática|afwezigheid|automatisch antwoord)"
)


class Cancelling(Rules):
    """Which sentences speak of cancelling what we sell. The patterns see small letters, in any language."""

    words: Pattern = WORDS
    negated: Pattern = NEGATED
    of_something_else: Pattern = OF_SOMETHING_ELSE
    of_ours: Pattern = OF_OURS  # where such a word is in the sentence, too, it is about us


class Support(Rules):
    """Conversations and tickets."""

    critical_tags: list[str]
    cancelling: Cancelling = Cancelling()
    auto_reply: Pattern = AUTO_REPLY
    cancel_days: Days
